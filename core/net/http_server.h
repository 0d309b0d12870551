// The HTTP/1.1 server of both programs, for devices' requests, metrics and health. It is bounded in
// connections, bytes and time, and knows nothing of what it serves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/http/listen_address.h"
#include "core/http/message.h"
#include "core/net/asio_executor.h"

namespace latchwire {

// Why the server itself refuses a request.
struct HttpFault {
  enum class Kind {
    kMalformed,      // 400: not HTTP/1.1
    kBodyTooLong,    // 413
    kHeadTooLong,    // 431
    kOverloaded,     // 503: too many connections
    kHandlerFailed,  // 500: the handler threw, or dropped its callback
  };
  Kind kind = Kind::kMalformed;
  uint64_t limit = 0;  // that was passed: bytes or connections; else 0
  std::string detail;  // what is malformed, for people; else empty
  std::string peer;    // IP address of the client, without the port; "?" when it is gone already
};

// A response with only the status's name, such as 404 "Not Found\n", as text/plain.
HttpResponse PlainResponse(int status);

// What to do with a request whose headers have arrived.
struct HeadVerdict {
  // If set, the request is answered with it and its body is not read.
  std::optional<HttpResponse> refusal;
  // Limit of the decoded body; one byte more is kBodyTooLong.
  uint64_t max_body_bytes = 0;

  static HeadVerdict Refuse(HttpResponse response) { return {std::move(response), 0}; }
  static HeadVerdict Read(uint64_t max_body_bytes) { return {std::nullopt, max_body_bytes}; }
};

// Answers requests. All methods are called on the server's thread and must not block it.
class HttpHandler {
 public:
  // May be called from any thread, also from inside Handle, and at most once. If it is dropped
  // uncalled, the answer is kHandlerFailed; once the server is gone it does nothing.
  using Done = absl::AnyInvocable<void(HttpResponse)>;

  virtual ~HttpHandler() = default;
  // Judges a request before its body is read.
  virtual HeadVerdict CheckHead(const IncomingRequest& head) = 0;
  // Takes a whole request that CheckHead accepted. For HEAD, answer as for GET: the server omits
  // the body.
  virtual void Handle(IncomingRequest request, Done done) = 0;
  // Words the server's own refusals; by default a PlainResponse.
  virtual HttpResponse OnFault(const HttpFault& fault);
};

// A response, for an access log. Valid during the call.
struct HttpAccess {
  absl::string_view peer;
  absl::string_view method;
  absl::string_view path;  // without the query, which may hold tokens
  int status = 0;
};

struct HttpServerOptions {
  // Where to listen; its `ip` is set. Port 0 takes a free one.
  ListenAddress listen;
  // Enables HTTPS if not empty: the server's certificate and key; with `ca_pem` clients must
  // present a certificate of one of these authorities.
  TlsProfile tls;

  size_t max_connections = 256;
  // Whether further connections are answered kOverloaded, up to as many again, or closed unread.
  enum class Overflow { kAnswer, kClose };
  Overflow overflow = Overflow::kAnswer;

  uint32_t max_head_bytes = 16 * 1024;
  // Time from the first wait for a request, idle time included, to the end of its headers; it also
  // limits the TLS handshake.
  absl::Duration head_timeout = absl::Seconds(30);
  absl::Duration body_timeout = absl::Seconds(30);   // from the end of the head
  absl::Duration write_timeout = absl::Seconds(30);  // from the handler's answer to its last byte
  // How much of a refused request is read and discarded, so that the response is not lost to a
  // reset.
  uint64_t max_discarded_bytes = 8 * 1024 * 1024;
  absl::Duration discard_timeout = absl::Seconds(2);

  // Called on the server's thread for each response, before it is written; may be null.
  std::function<void(const HttpAccess&)> access;
};

// Keeps connections alive and serves one request at a time on each; others may be pipelined.
// Chunked bodies and `Expect: 100-continue` are understood, upgrades are not. A client that is too
// slow is closed without an answer.
class HttpServer {
 public:
  // Binds at once: INVALID_ARGUMENT for a name or a wrong TLS profile, UNAVAILABLE for a port in
  // use. Serves as soon as `executor` runs. `executor` and `handler` outlive the server; several
  // servers may share an executor.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(AsioExecutor* executor,
                                                            HttpServerOptions options,
                                                            HttpHandler* handler);
  // Closes all connections at once. On a running executor it waits for the executor's thread, so
  // not from inside a handler.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  std::string Address() const;  // "127.0.0.1:9464", with the port that was given
  uint16_t Port() const;

  // Takes no new request, answers those in flight, then calls `done` on the executor's thread;
  // never if the executor does not run. Called once, from any thread.
  void Stop(absl::AnyInvocable<void()> done);

 private:
  class Core;
  HttpServer(AsioExecutor* executor, std::shared_ptr<Core> core);

  AsioExecutor* const executor_;
  const std::shared_ptr<Core> core_;
};

}  // namespace latchwire
