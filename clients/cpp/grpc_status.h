// From gRPC's status to the one that the client returns.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace latchwire::client {

// Carries the details over, as payloads that DetailsOf reads.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace latchwire::client
