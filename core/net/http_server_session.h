// One connection to the HTTP server. Internal to core/net: it pulls in Asio and Beast headers.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/mutex.h"
#include "core/net/http_server.h"

namespace latchwire {

// Passes responses from other threads to the server's thread. Thread-safe; lives as long as anybody
// holds it.
class HttpServerGate {
 public:
  explicit HttpServerGate(Executor* executor) : executor_(executor) {}

  // Drops the task once the gate is closed.
  void Post(Executor::Task task);
  void Close();

 private:
  Mutex mutex_;
  Executor* executor_ ABSL_GUARDED_BY(mutex_);  // null: closed
};

// State that all sessions of a server share, on the server's thread. It outlives their use of it,
// which ends with Close.
struct HttpServerWorld {
  HttpServerOptions options;
  HttpHandler* handler = nullptr;
  std::shared_ptr<HttpServerGate> gate;
  std::unique_ptr<boost::asio::ssl::context> tls;  // null: plain
};

// Used on the server's thread. Kept alive by the server until it closes, and by its own pending
// operations.
class HttpServerSession : public std::enable_shared_from_this<HttpServerSession> {
 public:
  using OnClosed = std::function<void(const std::shared_ptr<HttpServerSession>&)>;

  // `on_closed` is called once, from inside Close.
  HttpServerSession(std::shared_ptr<const HttpServerWorld> world,
                    boost::asio::ip::tcp::socket socket, OnClosed on_closed);
  ~HttpServerSession();

  // One of these is called, once.
  void Start();
  void StartRefusing();  // answers kOverloaded and closes

  // Closes now if no request is in flight, else after its response.
  void Stop();
  void Close();

 private:
  using Error = boost::beast::error_code;
  using Tcp = boost::asio::ip::tcp;
  enum class State { kNew, kHandshake, kReadHead, kReadBody, kHandle, kWrite, kEnd, kClosed };
  class Pending;

  void Begin();  // behind the handshake
  void ReadHead();
  void ReadBody();
  void Answer(HttpResponse response);
  void Fault(HttpFault::Kind kind, uint64_t limit = 0, std::string detail = "");
  void Respond(HttpResponse response);  // by the handler
  void Finish();
  void Discard();

  void OnHandshake(Error error, size_t size);
  void OnHead(Error error, size_t size);
  void OnContinueSent(Error error, size_t size);
  void OnBody(Error error, size_t size);
  void OnReadError(Error error);
  void OnWritten(Error error, size_t size);
  void OnDiscarded(Error error, size_t size);
  void OnTlsEnd(Error error, size_t size);

  void ExpireAfter(absl::Duration timeout);
  // A completion handler that calls `member` unless the session is closed, and ends the session
  // when that throws.
  auto Bind(void (HttpServerSession::*member)(Error, size_t));
  template <typename F>
  void Guarded(F f);
  // Calls `f` with the stream that carries HTTP.
  template <typename F>
  void WithStream(F f);

  const std::shared_ptr<const HttpServerWorld> world_;
  const OnClosed on_closed_;
  boost::beast::tcp_stream tcp_;
  std::unique_ptr<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls_;  // null: plain
  boost::beast::flat_buffer buffer_;
  std::string peer_ = "?";

  State state_ = State::kNew;
  bool refusing_ = false;
  bool last_ = false;  // the connection ends with the next answer
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  IncomingRequest request_;
  uint64_t max_body_bytes_ = 0;
  std::optional<boost::beast::http::response<boost::beast::http::string_body>> answer_;
  uint64_t discarded_bytes_ = 0;
};

}  // namespace latchwire
