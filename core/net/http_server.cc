#include "core/net/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/status.hpp>
#include <future>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/net/endpoint.h"
#include "core/net/http_server_session.h"
#include "core/net/tls_server.h"

namespace latchwire {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

int StatusOf(HttpFault::Kind kind) {
  switch (kind) {
    case HttpFault::Kind::kMalformed:
      return 400;
    case HttpFault::Kind::kBodyTooLong:
      return 413;
    case HttpFault::Kind::kHeadTooLong:
      return 431;
    case HttpFault::Kind::kOverloaded:
      return 503;
    case HttpFault::Kind::kHandlerFailed:
      break;
  }
  return 500;
}

}  // namespace

HttpResponse PlainResponse(int status) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {status,
          "text/plain",
          {},
          absl::StrCat(absl::string_view(reason.data(), reason.size()), "\n")};
}

HttpResponse HttpHandler::OnFault(const HttpFault& fault) {
  return PlainResponse(StatusOf(fault.kind));
}

// Belongs to the executor's thread once it serves.
class HttpServer::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(AsioExecutor* executor, HttpServerOptions options, HttpHandler* handler)
      : world_(std::make_shared<HttpServerWorld>()),
        acceptor_(executor->context()),
        pause_(executor->context()) {
    world_->options = std::move(options);
    world_->handler = handler;
    world_->gate = std::make_shared<HttpServerGate>(executor);
  }

  absl::Status Open();
  void Accept();
  // Both are harmless when called again.
  void Stop();
  void Close();

  void WhenEmpty(absl::AnyInvocable<void()> done);
  const tcp::endpoint& bound() const { return bound_; }
  const ListenAddress& listen() const { return world_->options.listen; }
  const std::shared_ptr<HttpServerGate>& gate() const { return world_->gate; }

 private:
  void OnAccepted(tcp::socket socket);
  void OnClosed(const std::shared_ptr<HttpServerSession>& session);

  const std::shared_ptr<HttpServerWorld> world_;  // constant once sessions have it
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  tcp::endpoint bound_;
  std::set<std::shared_ptr<HttpServerSession>> sessions_;
  bool stopped_ = false;
  absl::AnyInvocable<void()> when_empty_;
};

absl::Status HttpServer::Core::Open() {
  const ListenAddress& listen = world_->options.listen;
  if (!listen.ip) return absl::InvalidArgumentError("the address must be an IP address");
  const tcp::endpoint endpoint = ToEndpoint(*listen.ip, listen.port);
  if (!world_->options.tls.empty()) {
    auto tls = NewTlsServerContext(world_->options.tls);
    if (!tls.ok()) return tls.status();
    world_->tls = *std::move(tls);
  }
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) bound_ = acceptor_.local_endpoint(error);
  if (error) return absl::UnavailableError(error.message());
  return absl::OkStatus();
}

void HttpServer::Core::Accept() {
  acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    if (self->stopped_) return;
    if (error) {
      // Out of descriptors, most likely: the next try would fail at once.
      self->pause_.expires_after(absl::ToChronoMilliseconds(kAcceptPause));
      self->pause_.async_wait([self](error_code wait_error) {
        if (!wait_error && !self->stopped_) self->Accept();
      });
      return;
    }
    self->OnAccepted(std::move(socket));
    self->Accept();
  });
}

void HttpServer::Core::OnAccepted(tcp::socket socket) {
  const HttpServerOptions& options = world_->options;
  const bool full = sessions_.size() >= options.max_connections;
  // Those that are being refused count too: past twice the limit nobody is answered.
  const size_t limit = options.overflow == HttpServerOptions::Overflow::kClose
                           ? options.max_connections
                           : 2 * options.max_connections;
  if (sessions_.size() >= limit) return;
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto session = std::make_shared<HttpServerSession>(
      world_, std::move(socket),
      [weak = weak_from_this()](const std::shared_ptr<HttpServerSession>& closed) {
        if (const auto self = weak.lock()) self->OnClosed(closed);
      });
  sessions_.insert(session);
  if (full) {
    session->StartRefusing();
  } else {
    session->Start();
  }
}

void HttpServer::Core::OnClosed(const std::shared_ptr<HttpServerSession>& session) {
  const size_t erased = sessions_.erase(session);
  LATCHWIRE_CHECK(erased == 1, "a session closed twice");
  if (sessions_.empty() && when_empty_) std::exchange(when_empty_, nullptr)();
}

void HttpServer::Core::WhenEmpty(absl::AnyInvocable<void()> done) {
  LATCHWIRE_CHECK(stopped_ && !when_empty_);
  if (sessions_.empty()) return done();
  when_empty_ = std::move(done);
}

void HttpServer::Core::Stop() {
  if (std::exchange(stopped_, true)) return;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  const auto sessions = sessions_;  // each leaves the set when it closes
  for (const auto& session : sessions) session->Stop();
}

void HttpServer::Core::Close() {
  world_->gate->Close();
  Stop();
  when_empty_ = nullptr;
  const auto sessions = sessions_;
  for (const auto& session : sessions) session->Close();
  LATCHWIRE_CHECK(sessions_.empty());
}

HttpServer::HttpServer(AsioExecutor* executor, std::shared_ptr<Core> core)
    : executor_(executor), core_(std::move(core)) {
  core_->gate()->Post([kept = core_] { kept->Accept(); });
}

HttpServer::~HttpServer() {
  if (!executor_->IsRunning()) {
    core_->Close();
    return;
  }
  LATCHWIRE_CHECK(!executor_->IsLoopThread(), "destroyed from inside a handler");
  std::promise<void> gone;
  executor_->Post([this, &gone] {
    core_->Close();
    gone.set_value();
  });
  gone.get_future().wait();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(AsioExecutor* executor,
                                                               HttpServerOptions options,
                                                               HttpHandler* handler) {
  auto core = std::make_shared<Core>(executor, std::move(options), handler);
  if (absl::Status status = core->Open(); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(executor, std::move(core)));
}

std::string HttpServer::Address() const { return core_->listen().WithPort(Port()).ToString(); }

uint16_t HttpServer::Port() const { return core_->bound().port(); }

void HttpServer::Stop(absl::AnyInvocable<void()> done) {
  core_->gate()->Post([core = core_, done = std::move(done)]() mutable {
    core->Stop();
    core->WhenEmpty(std::move(done));
  });
}

}  // namespace latchwire
