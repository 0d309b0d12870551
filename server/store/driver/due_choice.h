// Which of the deliveries that are due a load takes, and in which order. For drivers only.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace latchwire {

// One share in this many is for priorities below the highest that has work.
inline constexpr int kLowerPriorityShare = 8;

// How many of `limit` are kept for lower priorities, if they have work: an eighth, but one at least
// so that short loads starve nobody either. A load of one goes to the highest.
int LowerPriorityPart(int limit);

// Due deliveries of one priority, the earliest due first. What comes after the first `limit` + 1
// may be left out; after the first LowerPriorityPart(limit) + 1 if the priorities above have
// `limit` already.
struct DueOfPriority {
  struct Entry {
    absl::Time due;
    int64_t number = 0;  // of the event
  };
  int priority = 0;
  std::vector<Entry> entries;
};

// The numbers to load, in the order in which they should leave: by priority, then the part that is
// kept for the lower ones, by due time, so that whatever waits longest is next in line whatever its
// priority. `by_priority` is from the highest to the lowest.
std::vector<int64_t> ChooseDue(const std::vector<DueOfPriority>& by_priority, int limit);

}  // namespace latchwire
