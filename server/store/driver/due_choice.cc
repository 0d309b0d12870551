#include "server/store/driver/due_choice.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace latchwire {

int LowerPriorityPart(int limit) {
  return limit < 2 ? 0 : std::max(1, limit / kLowerPriorityShare);
}

std::vector<int64_t> ChooseDue(const std::vector<DueOfPriority>& by_priority, int limit) {
  struct Candidate {
    absl::Time due;
    int priority;
    int64_t number;
  };
  std::vector<Candidate> candidates;
  size_t highest = 0;  // how many are of the highest priority with work
  for (const DueOfPriority& each : by_priority) {
    for (const auto& entry : each.entries) {
      candidates.push_back({entry.due, each.priority, entry.number});
    }
    if (highest == 0) highest = candidates.size();
  }
  const size_t wanted = std::min(candidates.size(), static_cast<size_t>(std::max(limit, 0)));
  if (candidates.size() > wanted && highest < candidates.size()) {
    const size_t kept = std::min<size_t>(LowerPriorityPart(limit), candidates.size() - highest);
    // From here on, what waits longest comes first; the highest priority has had its turn.
    const auto rest = candidates.begin() + static_cast<ptrdiff_t>(wanted - kept);
    std::stable_sort(rest, candidates.end(), [&](const Candidate& a, const Candidate& b) {
      const auto rank = [&](const Candidate& each) {
        return std::tuple(each.priority == candidates.front().priority, each.due, -each.priority,
                          each.number);
      };
      return rank(a) < rank(b);
    });
  }
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < wanted; ++i) numbers.push_back(candidates[i].number);
  return numbers;
}

}  // namespace latchwire
