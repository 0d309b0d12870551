#include "core/net/http_server_session.h"

#include <boost/asio/write.hpp>
#include <exception>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "core/base/check.h"
#include "core/base/log.h"

namespace latchwire {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr size_t kReadBytes = 48 * 1024;  // at once, beside the longest head

absl::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

bool IsHttpError(const beast::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

IncomingRequest HeadOf(const http::request<http::string_body>& message, const std::string& peer) {
  IncomingRequest head;
  head.method = std::string(View(message.method_string()));
  head.target = std::string(View(message.target()));
  for (const auto& field : message) {
    head.headers.push_back(
        {std::string(View(field.name_string())), std::string(View(field.value()))});
  }
  head.peer = peer;
  return head;
}

}  // namespace

void HttpServerGate::Post(Executor::Task task) {
  MutexLock lock(&mutex_);
  if (executor_ != nullptr) executor_->Post(std::move(task));
}

void HttpServerGate::Close() {
  MutexLock lock(&mutex_);
  executor_ = nullptr;
}

// The handler's callback. Holds the session weakly: sockets are destroyed on the server's thread.
class HttpServerSession::Pending {
 public:
  explicit Pending(HttpServerSession* session)
      : gate_(session->world_->gate), session_(session->weak_from_this()) {}
  Pending(Pending&&) = default;
  ~Pending() {
    if (gate_ == nullptr) return;
    gate_->Post([weak = std::move(session_)] {
      const auto session = weak.lock();
      if (session == nullptr || session->state_ != State::kHandle) return;
      session->Guarded([&] { session->Fault(HttpFault::Kind::kHandlerFailed); });
    });
  }

  void operator()(HttpResponse response) {
    LATCHWIRE_CHECK(gate_ != nullptr, "a request was answered twice");
    std::exchange(gate_, nullptr)
        ->Post([weak = std::move(session_), response = std::move(response)]() mutable {
          const auto session = weak.lock();
          if (session == nullptr) return;
          session->Guarded([&] { session->Respond(std::move(response)); });
        });
  }

 private:
  std::shared_ptr<HttpServerGate> gate_;  // null: answered, or moved from
  std::weak_ptr<HttpServerSession> session_;
};

HttpServerSession::HttpServerSession(std::shared_ptr<const HttpServerWorld> world,
                                     Tcp::socket socket, OnClosed on_closed)
    : world_(std::move(world)),
      on_closed_(std::move(on_closed)),
      tcp_(std::move(socket)),
      buffer_(world_->options.max_head_bytes + kReadBytes) {
  Error error;
  const Tcp::endpoint peer = tcp_.socket().remote_endpoint(error);
  if (!error) peer_ = peer.address().to_string();
  if (world_->tls != nullptr) {
    tls_ = std::make_unique<asio::ssl::stream<beast::tcp_stream&>>(tcp_, *world_->tls);
  }
}

HttpServerSession::~HttpServerSession() = default;

template <typename F>
void HttpServerSession::Guarded(F f) {
  try {
    f();
  } catch (const std::exception& error) {
    // Out of memory for one request, say; the others go on.
    Log(LogLevel::kWarning, "a request failed", {{"peer", peer_}, {"error", error.what()}});
    Close();
  }
}

auto HttpServerSession::Bind(void (HttpServerSession::*member)(Error, size_t)) {
  return [self = shared_from_this(), member](Error error, size_t size = 0) {
    if (self->state_ == State::kClosed) return;
    self->Guarded([&] { (self.get()->*member)(error, size); });
  };
}

template <typename F>
void HttpServerSession::WithStream(F f) {
  if (tls_ != nullptr) {
    f(*tls_);
  } else {
    f(tcp_);
  }
}

void HttpServerSession::ExpireAfter(absl::Duration timeout) {
  tcp_.expires_after(absl::ToChronoMilliseconds(timeout));
}

void HttpServerSession::Start() {
  LATCHWIRE_CHECK(state_ == State::kNew);
  if (tls_ == nullptr) return Begin();
  state_ = State::kHandshake;
  ExpireAfter(world_->options.head_timeout);
  tls_->async_handshake(asio::ssl::stream_base::server, Bind(&HttpServerSession::OnHandshake));
}

void HttpServerSession::StartRefusing() {
  refusing_ = true;
  Start();
}

void HttpServerSession::OnHandshake(Error error, size_t) {
  if (error) return Close();
  Begin();
}

void HttpServerSession::Begin() {
  if (!refusing_) return ReadHead();
  parser_.emplace();
  last_ = true;
  Fault(HttpFault::Kind::kOverloaded, world_->options.max_connections);
}

void HttpServerSession::Stop() {
  last_ = true;
  if (state_ == State::kHandshake || state_ == State::kReadHead) Close();
}

void HttpServerSession::Close() {
  if (std::exchange(state_, State::kClosed) == State::kClosed) return;
  tcp_.close();
  on_closed_(shared_from_this());
}

void HttpServerSession::ReadHead() {
  state_ = State::kReadHead;
  parser_.emplace();
  parser_->header_limit(world_->options.max_head_bytes);
  // The limit is the handler's, which has to see the head first.
  parser_->body_limit(std::numeric_limits<uint64_t>::max());
  ExpireAfter(world_->options.head_timeout);
  WithStream([this](auto& stream) {
    http::async_read_header(stream, buffer_, *parser_, Bind(&HttpServerSession::OnHead));
  });
}

void HttpServerSession::OnHead(Error error, size_t) {
  if (error) return OnReadError(error);
  request_ = HeadOf(parser_->get(), peer_);
  HeadVerdict verdict = world_->handler->CheckHead(request_);
  if (verdict.refusal) {
    // What may follow as its body is not a request.
    if (!parser_->is_done()) last_ = true;
    return Answer(*std::move(verdict.refusal));
  }
  max_body_bytes_ = verdict.max_body_bytes;
  if (parser_->content_length().value_or(0) > max_body_bytes_) {
    return OnReadError(http::make_error_code(http::error::body_limit));
  }
  parser_->body_limit(max_body_bytes_);
  state_ = State::kReadBody;
  ExpireAfter(world_->options.body_timeout);
  if (!parser_->is_done() && absl::EqualsIgnoreCase(request_.Header("Expect"), "100-continue")) {
    static constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    return WithStream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(kContinue.data(), kContinue.size()),
                        Bind(&HttpServerSession::OnContinueSent));
    });
  }
  ReadBody();
}

void HttpServerSession::OnContinueSent(Error error, size_t) {
  if (error) return Close();
  ReadBody();
}

void HttpServerSession::ReadBody() {
  WithStream([this](auto& stream) {
    http::async_read(stream, buffer_, *parser_, Bind(&HttpServerSession::OnBody));
  });
}

void HttpServerSession::OnReadError(Error error) {
  last_ = true;
  if (error == http::error::body_limit) {
    return Fault(HttpFault::Kind::kBodyTooLong, max_body_bytes_);
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Fault(HttpFault::Kind::kHeadTooLong, world_->options.max_head_bytes);
  }
  if (IsHttpError(error)) return Fault(HttpFault::Kind::kMalformed, 0, error.message());
  Close();  // gone, or too slow
}

void HttpServerSession::OnBody(Error error, size_t) {
  if (error) return OnReadError(error);
  LATCHWIRE_DCHECK(state_ == State::kReadBody && parser_->is_done());
  state_ = State::kHandle;
  tcp_.expires_never();
  request_.body = std::move(parser_->get().body());
  world_->handler->Handle(std::move(request_), Pending(this));
}

void HttpServerSession::Respond(HttpResponse response) {
  if (state_ == State::kClosed) return;
  LATCHWIRE_CHECK(state_ == State::kHandle);
  Answer(std::move(response));
}

void HttpServerSession::Fault(HttpFault::Kind kind, uint64_t limit, std::string detail) {
  Answer(world_->handler->OnFault({kind, limit, std::move(detail), peer_}));
}

void HttpServerSession::Answer(HttpResponse response) {
  LATCHWIRE_DCHECK(state_ != State::kWrite && state_ != State::kEnd && state_ != State::kClosed);
  state_ = State::kWrite;
  const auto& head = parser_->get();
  if (world_->options.access) {
    const absl::string_view target = View(head.target());
    world_->options.access(
        {peer_, View(head.method_string()), target.substr(0, target.find('?')), response.status});
  }
  if (!head.keep_alive()) last_ = true;
  answer_.emplace();
  answer_->version(11);
  answer_->result(static_cast<unsigned>(response.status));
  if (!response.content_type.empty()) {
    answer_->set(http::field::content_type, response.content_type);
  }
  for (const HttpHeader& header : response.headers) answer_->insert(header.name, header.value);
  answer_->keep_alive(!last_);
  answer_->body() = std::move(response.body);
  answer_->prepare_payload();
  if (head.method() == http::verb::head) answer_->body().clear();  // its length stays
  ExpireAfter(world_->options.write_timeout);
  WithStream([this](auto& stream) {
    http::async_write(stream, *answer_, Bind(&HttpServerSession::OnWritten));
  });
}

void HttpServerSession::OnWritten(Error error, size_t) {
  if (error) return Close();
  if (!last_) return ReadHead();
  Finish();
}

void HttpServerSession::Finish() {
  state_ = State::kEnd;
  ExpireAfter(world_->options.discard_timeout);
  Error error;
  // Closing with something unread would reset the connection, and lose the answer.
  const bool unread =
      !parser_->is_done() || buffer_.size() > 0 || tcp_.socket().available(error) > 0;
  if (tls_ != nullptr) {
    if (unread) return Discard();
    return tls_->async_shutdown(Bind(&HttpServerSession::OnTlsEnd));
  }
  if (!unread) return Close();
  tcp_.socket().shutdown(Tcp::socket::shutdown_send, error);
  Discard();
}

void HttpServerSession::Discard() {
  buffer_.clear();
  WithStream([this](auto& stream) {
    stream.async_read_some(buffer_.prepare(kReadBytes), Bind(&HttpServerSession::OnDiscarded));
  });
}

void HttpServerSession::OnDiscarded(Error error, size_t size) {
  discarded_bytes_ += size;
  if (error || discarded_bytes_ > world_->options.max_discarded_bytes) return Close();
  Discard();
}

void HttpServerSession::OnTlsEnd(Error, size_t) { Close(); }

}  // namespace latchwire
