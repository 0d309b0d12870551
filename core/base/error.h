// Errors with a machine-readable reason: an absl::Status that carries one, so that every layer can
// pass it up untouched and only server/api and the agent translate it for the outside.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire {

// `reason` is a name of latchwire.v1.ErrorReason without its prefix, such as "EVENT_ID_CONFLICT".
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       std::map<std::string, std::string> metadata = {});
// The same error, with a time after which to try again.
absl::Status WithRetryAfter(absl::Status status, absl::Duration retry_after);

std::string ReasonOf(const absl::Status& status);  // empty when there is none
std::map<std::string, std::string> MetadataOf(const absl::Status& status);
std::optional<absl::Duration> RetryAfterOf(const absl::Status& status);

}  // namespace latchwire
