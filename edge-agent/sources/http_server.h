// The agent's HTTP server for devices: bounded in connections, bytes and time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "edge-agent/sources/router.h"

namespace latchwire::edge {

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8090;  // 0: any free one
  // One more is answered 503 and closed.
  int max_connections = 256;
  size_t max_header_bytes = 16 * 1024;
  // For the head of a request, idle time before it included; and for its body; and for the answer.
  int timeout_ms = 30'000;
  // One line per answer, for a log: from whom, what, status. Called on the serving thread.
  std::function<void(absl::string_view)> access = [](absl::string_view) {};
};

// HTTP/1.1 with kept-alive connections, one request at a time on each. Bodies past 1 MiB are
// answered 413 without being taken.
class HttpServer {
 public:
  // Binds at once, so that a port in use is an error here. `router` outlives the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(HttpServerOptions options,
                                                            IntakeRouter* router);
  ~HttpServer();

  std::string Address() const;  // "127.0.0.1:8090", with the port that was given
  uint16_t Port() const;

  // Serves on the calling thread, until Stop and the last answer under way.
  void Run();
  // From any thread: takes no new request, finishes those under way.
  void Stop();
  // From any thread: Run returns now.
  void Abort();

 private:
  class Core;
  class Session;
  explicit HttpServer(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace latchwire::edge
