// The bottom of the client: one gRPC call with the key and a deadline. The connection over it is
// generated (generate.py).
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/grpc_status.h"
#include "core/base/clock.h"
#include "google/protobuf/empty.pb.h"
#include "grpcpp/grpcpp.h"
#include "latchwire/client/connection.h"

namespace latchwire::client {

// Makes each call once. A call without a timeout waits for ever.
std::shared_ptr<Connection> MakeStubConnection(const std::shared_ptr<grpc::Channel>& channel,
                                               const std::string& key);

// Thread-safe.
class StubCaller {
 public:
  explicit StubCaller(const std::string& key) : authorization_(absl::StrCat("Bearer ", key)) {}

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, const CallOptions& options) const {
    Response response;
    const absl::Status status = Run(stub, method, request, options, &response);
    if (!status.ok()) return status;
    return response;
  }

  // For methods that return nothing.
  template <typename Stub, typename Request>
  absl::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                 google::protobuf::Empty*),
                    const Request& request, const CallOptions& options) const {
    google::protobuf::Empty response;
    return Run(stub, method, request, options, &response);
  }

 private:
  template <typename Stub, typename Request, typename Response>
  absl::Status Run(Stub& stub,
                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, const CallOptions& options, Response* response) const {
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization_);
    if (options.timeout.has_value()) {
      context.set_deadline(absl::ToChronoTime(SystemClock()->Now() + *options.timeout));
    }
    return FromGrpcStatus((stub.*method)(&context, request, response));
  }

  const std::string authorization_;
};

}  // namespace latchwire::client
