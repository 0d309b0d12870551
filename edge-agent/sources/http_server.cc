#include "edge-agent/sources/http_server.h"

// Before Asio, whose awaitable.hpp needs it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/domain/limits.h"

namespace latchwire::edge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

// What is read and thrown away of a request that was refused before its end, so that the answer is
// not lost to a reset.
constexpr size_t kMaxDiscardedBytes = 8 * 1024 * 1024;
constexpr int kDiscardTimeoutMs = 2'000;
constexpr int kAcceptPauseMs = 100;

absl::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class HttpServer::Core {
 public:
  Core(HttpServerOptions options, IntakeRouter* router)
      : options_(std::move(options)), router_(router), acceptor_(context_), pause_(context_) {}

  absl::Status Open() {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) return absl::InvalidArgumentError("not an IP address");
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return absl::UnavailableError(error.message());
    bound_ = acceptor_.local_endpoint(error);
    Accept();
    return absl::OkStatus();
  }

  void Accept();
  void Stop();
  void Joined(Session* session) { sessions_.insert(session); }
  void Left(Session* session) { sessions_.erase(session); }

  const HttpServerOptions options_;
  IntakeRouter* const router_;
  // Sessions leave when the context goes, so these go after it.
  std::set<Session*> sessions_;
  bool stopping_ = false;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  tcp::endpoint bound_;
};

// One connection. Everything runs on the serving thread; a session lives as long as one of its
// handlers does.
class HttpServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Core* core, tcp::socket socket)
      : core_(core), stream_(std::move(socket)), buffer_(64 * 1024) {
    core_->Joined(this);
    boost::system::error_code error;
    const tcp::endpoint peer = stream_.socket().remote_endpoint(error);
    if (!error) peer_ = peer.address().to_string();
  }
  ~Session() { core_->Left(this); }

  void Start() { ReadHead(); }

  void Refuse(const absl::Status& status) {
    parser_.emplace();
    close_ = true;
    Answer(ErrorResponse(status));
  }

  // The server stops: an idle connection ends now, one at work after its answer.
  void Stop() {
    close_ = true;
    if (idle_) stream_.close();
  }

 private:
  void ExpireAfter(int milliseconds) {
    stream_.expires_after(std::chrono::milliseconds(milliseconds));
  }

  void ReadHead() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(core_->options_.max_header_bytes));
    parser_->body_limit(kMaxRestBodyBytes);
    idle_ = true;
    ExpireAfter(core_->options_.timeout_ms);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, size_t) { self->OnHead(error); });
  }

  void OnHead(beast::error_code error) {
    idle_ = false;
    if (error) return OnReadError(error);
    const auto& head = parser_->get();
    const absl::Status status =
        core_->router_->CheckHead(View(head.method_string()), View(head.target()));
    if (!status.ok()) {
      // What may follow as its body is no request.
      if (!parser_->is_done()) close_ = true;
      return Answer(ErrorResponse(status));
    }
    if (beast::iequals(head[http::field::expect], "100-continue") && !parser_->is_done()) {
      static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(stream_, asio::buffer(kContinue, sizeof(kContinue) - 1),
                        [self = shared_from_this()](beast::error_code write_error, size_t) {
                          if (!write_error) self->ReadBody();
                        });
      return;
    }
    ReadBody();
  }

  void ReadBody() {
    ExpireAfter(core_->options_.timeout_ms);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, size_t) { self->OnBody(error); });
  }

  void OnReadError(beast::error_code error) {
    close_ = true;
    if (error == http::error::body_limit) {
      return Answer(ErrorResponse(
          MakeError(absl::StatusCode::kOutOfRange, "REQUEST_TOO_LARGE",
                    absl::StrCat("the body is longer than ", kMaxRestBodyBytes, " bytes"),
                    {{"field", "body"}, {"limit_bytes", absl::StrCat(kMaxRestBodyBytes)}})));
    }
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Answer(ErrorResponse(MakeError(
          absl::StatusCode::kInvalidArgument, "REQUEST_TOO_LARGE",
          absl::StrCat("the head is longer than ", core_->options_.max_header_bytes, " bytes"))));
    }
    const bool gone = error == http::error::end_of_stream ||
                      error == http::error::partial_message || error == beast::error::timeout;
    if (!gone && error.category() == http::make_error_code(http::error::bad_method).category()) {
      return Answer(ErrorResponse(MakeError(absl::StatusCode::kInvalidArgument, "HTTP_INVALID",
                                            "this is not HTTP/1.1: " + error.message())));
    }
    Close();
  }

  void OnBody(beast::error_code error) {
    if (error) return OnReadError(error);
    const auto& message = parser_->get();
    IntakeRequest request;
    request.authorization = std::string(View(message[http::field::authorization]));
    request.panel_signature = std::string(View(message["X-Webhook-Signature"]));
    const std::string target(View(message.target()));
    request.body = std::move(parser_->get().body());
    stream_.expires_never();
    // Keeps Run from returning while the disk has the events.
    auto work = asio::make_work_guard(core_->context_);
    core_->router_->Handle(
        target, std::move(request),
        [self = shared_from_this(), work = std::move(work)](IntakeResponse response) mutable {
          auto& context = self->core_->context_;
          asio::post(context, [self = std::move(self), work = std::move(work),
                               response = std::move(response)]() mutable {
            self->Answer(std::move(response));
          });
        });
  }

  void Answer(IntakeResponse response) {
    const auto& request = parser_->get();
    core_->options_.access(absl::StrCat(
        peer_, " ", View(request.method_string()), " ",
        View(request.target().substr(0, request.target().find('?'))), " ", response.http_status));
    answer_.emplace();
    answer_->version(11);
    answer_->result(static_cast<unsigned>(response.http_status));
    answer_->set(http::field::content_type, "application/json");
    for (const auto& [name, value] : response.headers) answer_->set(name, value);
    const bool keep = !close_ && request.keep_alive();
    answer_->keep_alive(keep);
    answer_->body() = std::move(response.body);
    answer_->prepare_payload();
    ExpireAfter(core_->options_.timeout_ms);
    http::async_write(stream_, *answer_,
                      [self = shared_from_this(), keep](beast::error_code error, size_t) {
                        if (error) return;
                        if (keep && !self->close_) return self->ReadHead();
                        // With more on its way, closing at once would reset the connection.
                        if (self->parser_->is_done()) return self->Close();
                        self->Linger();
                      });
  }

  void Linger() {
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    buffer_.clear();
    ExpireAfter(kDiscardTimeoutMs);
    Discard();
  }

  void Discard() {
    stream_.async_read_some(buffer_.prepare(32 * 1024),
                            [self = shared_from_this()](beast::error_code error, size_t size) {
                              self->discarded_ += size;
                              if (error || self->discarded_ > kMaxDiscardedBytes)
                                return self->Close();
                              self->Discard();
                            });
  }

  void Close() { stream_.close(); }

  Core* const core_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::string peer_ = "?";
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> answer_;
  bool idle_ = false;
  bool close_ = false;
  size_t discarded_ = 0;
};

void HttpServer::Core::Accept() {
  acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (stopping_) return;
    if (error) {
      // Out of descriptors, most likely: the next try would fail at once.
      pause_.expires_after(std::chrono::milliseconds(kAcceptPauseMs));
      pause_.async_wait([this](beast::error_code wait_error) {
        if (!wait_error && !stopping_) Accept();
      });
      return;
    }
    const bool full = sessions_.size() >= static_cast<size_t>(options_.max_connections);
    // Those that are being refused count too: past twice the limit nobody is answered.
    if (sessions_.size() < 2 * static_cast<size_t>(options_.max_connections)) {
      auto session = std::make_shared<Session>(this, std::move(socket));
      if (full) {
        session->Refuse(
            MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                      absl::StrCat("more than ", options_.max_connections, " connections")));
      } else {
        session->Start();
      }
    }
    Accept();
  });
}

void HttpServer::Core::Stop() {
  if (std::exchange(stopping_, true)) return;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (Session* session : sessions_) session->Stop();
}

HttpServer::HttpServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options,
                                                               IntakeRouter* router) {
  auto core = std::make_unique<Core>(std::move(options), router);
  if (absl::Status status = core->Open(); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

std::string HttpServer::Address() const {
  const bool v6 = core_->bound_.address().is_v6();
  const std::string address = core_->bound_.address().to_string();
  return absl::StrCat(v6 ? "[" : "", address, v6 ? "]:" : ":", core_->bound_.port());
}

uint16_t HttpServer::Port() const { return core_->bound_.port(); }

void HttpServer::Run() {
  for (;;) {
    try {
      core_->context_.run();
      return;
    } catch (const std::exception& error) {
      // Out of memory for one request, say; the others go on.
      core_->options_.access(absl::StrCat("a request failed: ", error.what()));
    }
  }
}

void HttpServer::Stop() {
  asio::post(core_->context_, [this] { core_->Stop(); });
}

void HttpServer::Abort() { core_->context_.stop(); }

}  // namespace latchwire::edge
