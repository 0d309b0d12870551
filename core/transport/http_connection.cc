#include "core/transport/http_connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/transport/http_pool.h"

namespace latchwire {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr size_t kJoinedBodyBytes = 16 * 1024;  // below it a copy is cheaper than a second buffer
constexpr int kMaxInterimAnswers = 10;

bool IsOwnHeader(absl::string_view name) {
  switch (name.size()) {
    case 4:
      return absl::EqualsIgnoreCase(name, "Host");
    case 10:
      return absl::EqualsIgnoreCase(name, "Connection");
    case 14:
      return absl::EqualsIgnoreCase(name, "Content-Length");
    case 17:
      return absl::EqualsIgnoreCase(name, "Transfer-Encoding");
    default:
      return false;
  }
}

}  // namespace

HttpConnection::HttpConnection(const HttpServices* services, HttpPool* pool)
    : services_(services), pool_(pool), socket_(*services->context) {}

void HttpConnection::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  exchange_ = nullptr;
  timer_.Disarm();
  error_code ignored;
  socket_.close(ignored);
}

void HttpConnection::Send(HttpExchange* exchange) {
  timer_.Disarm();
  exchange_ = exchange;
  exchange->connection = this;
  exchange->result.remote_address = remote_address_;
  exchange->result.reused_connection = used_;
  got_answer_bytes_ = false;
  interim_answers_ = 0;
  parser_.reset();
  BuildHead();
  Write();
}

void HttpConnection::BuildHead() {
  const HttpRequest& request = exchange_->request;
  out_.clear();
  absl::StrAppend(&out_, request.method, " ", exchange_->target,
                  " HTTP/1.1\r\nHost: ", pool_->url().host_header, "\r\n");
  for (const HttpHeader& header : request.headers) {
    if (!IsOwnHeader(header.name)) {
      absl::StrAppend(&out_, header.name, ": ", header.value, "\r\n");
    }
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    absl::StrAppend(&out_, "Content-Length: ", request.body.size(), "\r\n");
  }
  out_ += "\r\n";
}

// What is still being written later belongs to the connection: the exchange may be answered, and be
// gone, before the request is written to its end.
void HttpConnection::Write() {
  const std::string& body = exchange_->request.body;
  const bool joined = tls_ != nullptr || body.size() <= kJoinedBodyBytes;
  if (joined) out_ += body;
  const auto on_written = [self = shared_from_this()](const error_code& error, size_t) {
    // After an error the read tells how it ended: there may be an answer already.
    if (!error) self->writing_ = false;
  };
  writing_ = true;
  if (tls_ != nullptr) {
    asio::async_write(*tls_, asio::buffer(out_), on_written);
    return;
  }
  const std::array<asio::const_buffer, 2> buffers = {
      asio::buffer(out_), joined ? asio::const_buffer() : asio::buffer(body)};
  error_code error;
  const size_t written = socket_.write_some(buffers, error);
  if (error && error != asio::error::would_block) return;
  if (written == asio::buffer_size(buffers)) {
    writing_ = false;
    return;
  }
  if (!joined) out_ += body;
  out_.erase(0, written);
  asio::async_write(socket_, asio::buffer(out_), on_written);
}

void HttpConnection::StartRead() {
  if (reading_) return;
  reading_ = true;
  const auto room = asio::buffer(in_.data() + in_end_, in_.size() - in_end_);
  auto on_read = [self = shared_from_this()](const error_code& error, size_t size) {
    self->OnRead(error, size);
  };
  if (tls_ != nullptr) {
    tls_->async_read_some(room, std::move(on_read));
  } else {
    socket_.async_read_some(room, std::move(on_read));
  }
}

void HttpConnection::OnRead(const error_code& error, size_t size) {
  reading_ = false;
  if (phase_ != Phase::kOpen) return;
  if (exchange_ == nullptr) return pool_->OnIdleClosed(this);  // closed, or an answer to nothing
  if (error) return OnEnd(error);
  got_answer_bytes_ = true;
  in_end_ += size;
  Parse();
}

bool HttpConnection::HasHead() const {
  return parser_.has_value() && parser_->is_header_done() && !parser_->is_interim();
}

void HttpConnection::OnEnd(const error_code& error) {
  if (!got_answer_bytes_) {
    // From TLS 1.3 on a receiver refuses a client certificate, or its absence, only here.
    if (!used_ && error.category() == asio::error::get_ssl_category()) {
      return Fail(TransportError::kTls, absl::StrCat("TLS with ", remote_address_, ": ",
                                                     TlsClient::Describe(*tls_, error)));
    }
    return Fail(TransportError::kConnectionClosed,
                absl::StrCat(remote_address_, " closed the connection without an answer (",
                             error.message(), ")"),
                /*may_resend=*/used_);
  }
  if (!HasHead()) {
    return Fail(TransportError::kConnectionClosed,
                absl::StrCat(remote_address_, " closed the connection within its answer (",
                             error.message(), ")"));
  }
  error_code incomplete;
  parser_->put_eof(incomplete);
  const bool clean = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
  if (incomplete || !clean) exchange_->result.body_truncated = true;
  Answer(/*reusable=*/false);
}

void HttpConnection::Parse() {
  namespace http = boost::beast::http;
  while (in_begin_ < in_end_) {
    if (!parser_) {
      const BeastTransportOptions& options = *services_->options;
      parser_.emplace(
          &exchange_->result,
          ResponseLimits{options.max_response_header_bytes, options.max_response_body_bytes},
          exchange_->request.response_body_limit, exchange_->request.method == "HEAD");
    }
    error_code error;
    in_begin_ += parser_->put(asio::buffer(in_.data() + in_begin_, in_end_ - in_begin_), error);
    if (error == http::error::need_more && MakeRoom()) break;
    if (error) {
      if (HasHead()) {
        exchange_->result.body_truncated = true;
        return Answer(/*reusable=*/false);
      }
      if (error == http::error::need_more) error = http::error::header_limit;
      return Fail(TransportError::kInvalidResponse,
                  absl::StrCat("the answer is not HTTP/1.1: ", error.message()));
    }
    if (!parser_->is_done()) continue;
    if (!parser_->is_interim()) {
      return Answer(parser_->keep_alive() && !writing_ && in_begin_ == in_end_);
    }
    if (parser_->status() == 101 || ++interim_answers_ > kMaxInterimAnswers) {
      return Fail(TransportError::kInvalidResponse,
                  parser_->status() == 101 ? "the receiver switched to a protocol nobody asked for"
                                           : "the receiver sent too many interim answers");
    }
    parser_.reset();
  }
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  StartRead();
}

// Room behind the bytes that wait for more. False when they are more than any answer needs.
bool HttpConnection::MakeRoom() {
  if (in_begin_ > 0) {
    std::copy(in_.begin() + in_begin_, in_.begin() + in_end_, in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_end_ < in_.size()) return true;
  const size_t limit =
      std::max<size_t>(services_->options->max_response_header_bytes + 1, kFirstReadBytes);
  if (in_.size() >= limit) return false;
  in_.resize(std::min(limit, in_.size() * 2));
  return true;
}

void HttpConnection::Answer(bool reusable) {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection = nullptr;
  exchange->result.http_status = parser_->status();
  used_ = true;
  const absl::Duration now = services_->clock->Monotonic();
  if (now - open_time_ > services_->options->max_connection_age) reusable = false;
  if (reusable) {
    in_begin_ = in_end_ = 0;
    StartRead();
    services_->wheel->ArmAt(&timer_, now + services_->options->idle_timeout);
  }
  pool_->OnAnswer(this, exchange, reusable);
}

void HttpConnection::OnDeadline() {
  if (HasHead()) {
    exchange_->result.body_truncated = true;
    return Answer(/*reusable=*/false);
  }
  const std::string limit = absl::FormatDuration(exchange_->request.timeout);
  switch (phase_) {
    case Phase::kResolving:
      return Fail(TransportError::kTimeout,
                  absl::StrCat(pool_->url().host, " was not resolved within ", limit));
    case Phase::kConnecting:
      absl::StrAppend(&connect_errors_, connect_errors_.empty() ? "" : "; ", remote_address_,
                      ": not connected within ", limit);
      return Fail(TransportError::kTimeout, std::move(connect_errors_));
    case Phase::kHandshaking:
      return Fail(TransportError::kTimeout,
                  absl::StrCat("TLS with ", remote_address_, " was not done within ", limit));
    default:
      return Fail(TransportError::kTimeout,
                  absl::StrCat("no ", got_answer_bytes_ ? "complete " : "", "answer from ",
                               remote_address_, " within ", limit));
  }
}

void HttpConnection::Fail(TransportError error, std::string detail, bool may_resend) {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection = nullptr;
  exchange->result.error = error;
  exchange->result.detail = std::move(detail);
  pool_->OnFailure(this, exchange, may_resend);
}

}  // namespace latchwire
