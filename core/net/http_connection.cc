#include "core/net/http_connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/net/http_pool.h"

namespace latchwire {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr size_t kJoinedBodyBytes = 16 * 1024;  // below it a copy is cheaper than a second buffer

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
    : services_(services),
      pool_(pool),
      socket_(*services->context),
      reader_({services->options->max_response_header_bytes,
               services->options->max_response_body_bytes}) {}

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
  reader_.Begin(&exchange->result, exchange->request.response_body_limit,
                exchange->request.method == "HEAD");
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
  const absl::Span<char> span = reader_.Room();
  const auto room = asio::buffer(span.data(), span.size());
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
  switch (reader_.OnBytes(size)) {
    case ResponseReader::State::kMore:
      return StartRead();
    case ResponseReader::State::kWhole:
      return Answer(reader_.IsReusable() && !writing_);
    case ResponseReader::State::kCut:
      return Answer(/*reusable=*/false);
    case ResponseReader::State::kInvalid:
      return Fail(TransportError::kInvalidResponse, reader_.error());
  }
}

void HttpConnection::OnEnd(const error_code& error) {
  if (!reader_.HasBytes()) {
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
  if (!reader_.HasHead()) {
    return Fail(TransportError::kConnectionClosed,
                absl::StrCat(remote_address_, " closed the connection within its answer (",
                             error.message(), ")"));
  }
  reader_.OnEnd(error == asio::error::eof || error == asio::ssl::error::stream_truncated);
  Answer(/*reusable=*/false);
}

void HttpConnection::Answer(bool reusable) {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection = nullptr;
  exchange->result.http_status = reader_.status();
  used_ = true;
  const absl::Duration now = services_->clock->Monotonic();
  if (now - open_time_ > services_->options->max_connection_age) reusable = false;
  if (reusable) {
    reader_.Clear();
    StartRead();
    services_->wheel->ArmAt(&timer_, now + services_->options->idle_timeout);
  }
  pool_->OnAnswer(this, exchange, reusable);
}

void HttpConnection::OnDeadline() {
  if (reader_.HasHead()) {
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
                  absl::StrCat("no ", reader_.HasBytes() ? "complete " : "", "answer from ",
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
