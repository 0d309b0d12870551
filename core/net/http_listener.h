// A small HTTP server for machines that read a page now and then, such as a metrics collector.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/net/asio_executor.h"

namespace latchwire {

struct HttpListenerOptions {
  // An IP address and a port, "127.0.0.1:9464" or "[::1]:9464"; port 0 takes a free one.
  std::string listen;
  // One more is closed as soon as it is accepted.
  size_t max_connections = 16;
  uint32_t max_head_bytes = 8 * 1024;
  // From accept to close, all included.
  absl::Duration connection_timeout = absl::Seconds(10);
};

struct HttpPage {
  std::string content_type;
  std::string body;
};

// Serves HTTP/1.1, one request to a connection. A path that nobody has is 404, a method other than
// GET and HEAD 405, a head past the limit 431, what is no HTTP 400; bodies of requests are not
// taken.
class HttpListener {
 public:
  // By path, without the query. Called on the executor's thread for each request. Null: 404.
  using Pages = std::function<std::function<HttpPage()>(absl::string_view path)>;

  // Binds at once, so that a port in use is an error here. Serves on `executor`, which outlives it.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Listen(AsioExecutor* executor,
                                                              HttpListenerOptions options,
                                                              Pages pages);
  // Closes all connections. Not from inside a page; on a running executor it waits for its thread.
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;

  std::string Address() const;  // "127.0.0.1:9464", with the port that was given

 private:
  class Core;
  class Session;
  HttpListener(AsioExecutor* executor, std::shared_ptr<Core> core);

  AsioExecutor* const executor_;
  std::shared_ptr<Core> core_;
};

}  // namespace latchwire
