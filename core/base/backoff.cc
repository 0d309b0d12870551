#include "core/base/backoff.h"

#include <algorithm>

namespace latchwire {

absl::Duration Backoff::Next() {
  const absl::Duration delay = current_ * (1.0 - random_->NextUnit());
  current_ = std::min(current_ * 2, cap_);
  return std::max(delay, absl::Nanoseconds(1));
}

}  // namespace latchwire
