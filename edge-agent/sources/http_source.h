// The source of events that devices send over HTTP.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/net/asio_executor.h"
#include "core/net/http_server.h"
#include "edge-agent/sources/http_router.h"
#include "edge-agent/sources/source.h"

namespace latchwire::edge {

// Owns the server, its thread, and the router that it serves.
class HttpSource : public Source {
 public:
  // Binds at once: INVALID_ARGUMENT for a wrong address, UNAVAILABLE for a port in use. `intake`
  // and `refusals` outlive the source and all requests in flight.
  static absl::StatusOr<std::unique_ptr<HttpSource>> Listen(HttpServerOptions options,
                                                            Intake* intake, RefusalLog* refusals,
                                                            HttpPages::Pages pages);
  ~HttpSource() override;

  absl::string_view name() const override { return "http"; }
  std::string Address() const override { return address_; }
  uint16_t Port() const { return port_; }

  void Start() override;
  void Stop() override;
  SourceStats Stats() const override { return router_.Stats(); }

 private:
  HttpSource(Intake* intake, RefusalLog* refusals, HttpPages::Pages pages);

  HttpRouter router_;
  AsioExecutor executor_{"intake"};
  std::unique_ptr<HttpServer> server_;  // null once it stopped
  std::string address_;
  uint16_t port_ = 0;
};

}  // namespace latchwire::edge
