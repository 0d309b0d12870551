// The one place where errors turn into what clients see: absl::Status -> grpc::Status with
// google.rpc details (ErrorInfo, BadRequest, RetryInfo) in `grpc-status-details-bin`.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/base/error.h"
#include "core/domain/validation.h"

namespace latchwire {

// INVALID_ARGUMENT with FIELD_INVALID and all violations at once. `violations` is not empty.
absl::Status InvalidArgument(const std::vector<FieldViolation>& violations);
absl::Status InvalidField(absl::string_view field, absl::string_view description);

// NOT_FOUND with `reason`, and `name` as metadata.
absl::Status NotFound(absl::string_view reason, absl::string_view name);

// The error for a full queue of the server.
absl::Status Overloaded(absl::string_view what);

absl::Status ShuttingDown();

// Replaces the name in the metadata: the store's id of a webhook or event is not the client's name
// for it. `status` keeps everything else.
absl::Status WithMetadata(const absl::Status& status, absl::string_view key,
                          absl::string_view value);

// Every error gets an ErrorInfo; one without a reason is our fault: its text goes to the log, not
// to the client. Details are cut to what fits into HTTP/2 trailers that every client accepts.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace latchwire
