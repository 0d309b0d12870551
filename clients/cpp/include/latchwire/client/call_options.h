// What a single call may be told.
#pragma once

#include <optional>

#include "absl/time/time.h"

namespace latchwire::client {

struct CallOptions {
  // For the call with all its retries, and longer than zero; the connection's own timeout if unset.
  // A call that is not done by then fails with DEADLINE_EXCEEDED, or with the last failure.
  std::optional<absl::Duration> timeout = std::nullopt;
};

}  // namespace latchwire::client
