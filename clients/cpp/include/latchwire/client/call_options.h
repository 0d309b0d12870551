// What a single call may be told.
#pragma once

#include <optional>

#include "absl/time/time.h"

namespace latchwire::client {

struct CallOptions {
  // Limit for the call with all its retries, greater than zero; the connection's timeout if unset.
  // A call that takes longer fails with DEADLINE_EXCEEDED, or with the last failure.
  std::optional<absl::Duration> timeout = std::nullopt;
};

}  // namespace latchwire::client
