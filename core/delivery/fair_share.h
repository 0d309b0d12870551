// Who may take more of something that all webhooks share (attempts under way, memory), so that
// many that hang never use it up and a healthy one waits.
#pragma once

#include <algorithm>
#include <cstddef>

namespace latchwire {

// Two rules. Nobody takes more than is left free, so that however many are greedy, something stays
// for the next one. And those that fail at the moment, the suspects, together take at most half.
class FairShare {
 public:
  explicit FairShare(size_t total) : total_(total) {}

  // Whether one that holds `own` may take more.
  bool MayTake(size_t own, bool suspect) const {
    if (used_ >= total_ || own >= total_ - used_) return false;
    return !suspect || suspects_used_ < std::max<size_t>(total_ / 2, 1);
  }

  void Take(size_t amount, bool suspect) {
    used_ += amount;
    if (suspect) suspects_used_ += amount;
  }
  void Give(size_t amount, bool suspect) {
    used_ -= amount;
    if (suspect) suspects_used_ -= amount;
  }
  // One that holds `own` has become a suspect, or is none any more.
  void Reclassify(size_t own, bool suspect) {
    if (suspect) {
      suspects_used_ += own;
    } else {
      suspects_used_ -= own;
    }
  }

  size_t used() const { return used_; }

 private:
  const size_t total_;
  size_t used_ = 0;
  size_t suspects_used_ = 0;
};

}  // namespace latchwire
