// What a failed call says, beyond its absl::Status code and message.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace latchwire {

struct ErrorDetails {
  // A name of latchwire.v1.ErrorReason without its prefix, such as "WEBHOOK_NOT_FOUND"; empty when
  // the failure did not come from the server, such as a broken connection.
  std::string reason;
  std::map<std::string, std::string> metadata;
  // Field and what is wrong with it, all at once.
  std::vector<std::pair<std::string, std::string>> field_violations;
  // What the server asks to wait before the next try.
  std::optional<absl::Duration> retry_delay;
};

// Empty details for a status that carries none.
ErrorDetails DetailsOf(const absl::Status& status);

// Carries the details over, as payloads of the status.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace latchwire
