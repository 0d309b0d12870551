#include "core/domain/webhook.h"

namespace latchwire {

RetryPolicy RetryPolicy::Default() {
  return {{absl::Seconds(5), absl::Minutes(5), absl::Minutes(30), absl::Hours(2), absl::Hours(5),
           absl::Hours(10), absl::Hours(14), absl::Hours(20), absl::Hours(24)}};
}

}  // namespace latchwire
