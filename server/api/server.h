// The gRPC server: all services behind one authenticating adapter, health, and reflection.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/api/adapter.h"
#include "server/api/world.h"

namespace latchwire {

// Limit of a client's message. It is above the API's own limits, so that those answer, with their
// reasons, instead of gRPC.
inline constexpr int kMaxReceiveMessageBytes = 4 * 1024 * 1024;

struct ApiServerOptions {
  std::string listen = "127.0.0.1:0";
  bool reflection = true;
  std::shared_ptr<grpc::ServerCredentials> credentials;  // null: without TLS
};

// Makes a service of another directory, such as the agents' (server/ingest). Its arguments outlive
// the service.
using ServiceFactory =
    std::function<std::unique_ptr<AuthenticatedService>(const ApiWorld*, const Authenticator*)>;

class ApiServer {
 public:
  // `others`: services in addition to those of latchwire.v1.
  ApiServer(ApiWorld world, const std::vector<ServiceFactory>& others);
  ~ApiServer();

  // Begins to serve, with health SERVING for "" and for each service. Fails if the address cannot
  // be bound, or if a method has no role or no handler.
  absl::Status Start(const ApiServerOptions& options);
  int port() const { return port_; }

  // Sets health to NOT_SERVING, refuses new calls with SHUTTING_DOWN, and ends agents' streams
  // after their acks.
  void BeginShutdown();
  // Waits for the calls in flight, and cancels those that are not done after `timeout`.
  void FinishShutdown(absl::Duration timeout);

  // Every service that needs a key.
  std::vector<const AuthenticatedService*> services() const;
  const ApiCounters& counters() const { return counters_; }

 private:
  ApiCounters counters_;
  EventQuota event_quota_;
  ApiWorld world_;
  const Authenticator authenticator_;
  std::vector<std::unique_ptr<AuthenticatedService>> services_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace latchwire
