// What a failed call says, beyond its absl::Status code and message.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "latchwire/v1/error_reason.pb.h"

namespace latchwire::client {

struct ErrorDetails {
  // ReasonName of a latchwire.v1.ErrorReason, such as "WEBHOOK_NOT_FOUND"; empty when the failure
  // did not come from the server, such as a broken connection.
  std::string reason;
  std::map<std::string, std::string> metadata;
  // Each field that the server refused, and what is wrong with it.
  std::vector<std::pair<std::string, std::string>> field_violations;
  // The time that the server asks to wait before the next try.
  std::optional<absl::Duration> retry_delay;
};

// Returns empty details for a status that carries none.
ErrorDetails DetailsOf(const absl::Status& status);

// Returns `status`, which is not OK, with details that DetailsOf finds: for tests whose
// MockConnection fails.
absl::Status WithDetails(absl::Status status, const ErrorDetails& details);

// The enum value's name without its prefix: "WEBHOOK_NOT_FOUND" for
// ERROR_REASON_WEBHOOK_NOT_FOUND.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace latchwire::client
