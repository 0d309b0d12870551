// Admission control for a resource that all webhooks share (attempts in flight, memory): however
// many webhooks hang or fail, a healthy one finds some of it free.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/base/check.h"

namespace latchwire {

// Follows two rules. No webhook takes more than is left free, so something remains for the next one
// however many are greedy. And suspects, the webhooks whose last attempt failed, take at most half
// in total.
//
// Belongs to one thread. Each holder keeps its own amount and says whether it is a suspect.
class FairShare {
 public:
  explicit FairShare(size_t total) : total_(total) {}

  // Whether a holder of `own` may take more.
  bool MayTake(size_t own, bool suspect) const {
    if (used_ >= total_ || own >= total_ - used_) return false;
    return !suspect || suspects_used_ < std::max<size_t>(total_ / 2, 1);
  }

  // The caller must ask MayTake first: one large unit may raise the use above the total.
  void Take(size_t amount, bool suspect) {
    used_ += amount;
    if (suspect) suspects_used_ += amount;
    LATCHWIRE_DCHECK(suspects_used_ <= used_);
  }
  void Give(size_t amount, bool suspect) {
    LATCHWIRE_CHECK(amount <= used_ && (!suspect || amount <= suspects_used_),
                    "more given back than was taken");
    used_ -= amount;
    if (suspect) suspects_used_ -= amount;
    LATCHWIRE_CHECK(suspects_used_ <= used_, "taken by a suspect, given back by none");
  }
  // A webhook that holds `own` has become a suspect, or is no longer one.
  void Reclassify(size_t own, bool suspect) {
    LATCHWIRE_CHECK(own <= (suspect ? used_ - suspects_used_ : suspects_used_),
                    "reclassifies more than is held");
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
  size_t suspects_used_ = 0;  // of used_
};

}  // namespace latchwire
