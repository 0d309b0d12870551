// How a connection comes to be: look-up, judgement, connect, TLS.
#include <boost/asio/post.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/net/endpoint.h"
#include "core/net/http_connection.h"
#include "core/net/http_pool.h"
#include "core/net/tls_clients.h"

namespace latchwire {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr size_t kMaxAddresses = 16;  // of one name; a longer answer is no help

std::string ToText(const IpAddress& address, uint16_t port) {
  return address.is_v6 ? absl::StrCat("[", address.ToString(), "]:", port)
                       : absl::StrCat(address.ToString(), ":", port);
}

}  // namespace

void HttpConnection::Open(HttpExchange* exchange) {
  exchange_ = exchange;
  exchange->connection = this;
  asio::post(*services_->context, [self = shared_from_this()] {
    if (self->phase_ != Phase::kClosed) self->Resolve();
  });
}

void HttpConnection::Resolve() {
  const Url& url = pool_->url();
  if (url.is_https) {
    const absl::Status& status = services_->tls->Find(pool_->tls())->status();
    if (!status.ok()) return Fail(TransportError::kTls, std::string(status.message()));
  }
  if (url.address) return OnResolved(std::vector<IpAddress>{*url.address});
  services_->resolver->Resolve(url.host,
                               [weak = weak_from_this()](const DnsResolver::Result& result) {
                                 const auto self = weak.lock();
                                 if (self != nullptr && self->phase_ == Phase::kResolving)
                                   self->OnResolved(result);
                               });
}

void HttpConnection::OnResolved(const DnsResolver::Result& result) {
  if (!result.ok()) {
    const bool full = result.status().code() == absl::StatusCode::kResourceExhausted;
    return Fail(full ? TransportError::kOverloaded : TransportError::kResolve,
                std::string(result.status().message()));
  }
  absl::Status refusal;
  for (const IpAddress& address : *result) {
    const absl::Status judged = services_->guard->Check(address);
    if (judged.ok()) {
      if (addresses_.size() == kMaxAddresses) break;
      addresses_.push_back(address);
    } else if (refusal.ok()) {
      refusal = judged;
    }
  }
  if (addresses_.empty()) {
    const Url& url = pool_->url();
    const std::string prefix = url.address ? "" : absl::StrCat(url.host, ": ");
    return Fail(TransportError::kBlockedAddress, absl::StrCat(prefix, refusal.message()));
  }
  phase_ = Phase::kConnecting;
  ConnectNext();
}

void HttpConnection::ConnectNext() {
  timer_.Disarm();
  const int attempt = ++attempt_;
  error_code error;
  socket_.close(error);
  if (next_address_ == addresses_.size()) {
    return Fail(TransportError::kConnect, std::move(connect_errors_));
  }
  const IpAddress& address = addresses_[next_address_++];
  remote_address_ = ToText(address, pool_->url().port);
  const auto failed = [this](const std::string& why) {
    absl::StrAppend(&connect_errors_, connect_errors_.empty() ? "" : "; ", remote_address_, ": ",
                    why);
  };
  const auto endpoint = ToEndpoint(address, pool_->url().port);
  socket_.open(endpoint.protocol(), error);
  if (error) {
    failed(error.message());
    return ConnectNext();
  }
  // One silent address must leave time for those after it.
  const size_t left = addresses_.size() - next_address_ + 1;
  if (left > 1) {
    const absl::Duration now = services_->clock->Monotonic();
    services_->wheel->ArmAt(&timer_, now + (exchange_->deadline - now) / static_cast<int>(left));
  }
  socket_.async_connect(
      endpoint, [self = shared_from_this(), attempt, failed](const error_code& connect_error) {
        if (self->phase_ != Phase::kConnecting || self->attempt_ != attempt) return;
        if (!connect_error) return self->OnConnected();
        failed(connect_error.message());
        self->ConnectNext();
      });
}

void HttpConnection::OnTimer() {
  if (phase_ == Phase::kConnecting) {
    absl::StrAppend(&connect_errors_, connect_errors_.empty() ? "" : "; ", remote_address_,
                    ": no answer");
    ConnectNext();
  } else if (phase_ == Phase::kOpen && exchange_ == nullptr) {
    pool_->OnIdleClosed(this);
  }
}

void HttpConnection::OnConnected() {
  timer_.Disarm();
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  if (pool_->url().is_https) {
    Handshake();
  } else {
    OnOpen();
  }
}

void HttpConnection::Handshake() {
  phase_ = Phase::kHandshaking;
  const Url& url = pool_->url();
  tls_ = services_->tls->Find(pool_->tls())->NewStream(socket_, url.host, url.address.has_value());
  if (tls_ == nullptr) return Fail(TransportError::kTls, "the host name cannot be verified");
  tls_->async_handshake(
      TlsClient::Stream::client, [self = shared_from_this()](const error_code& error) {
        if (self->phase_ != Phase::kHandshaking) return;
        if (!error) return self->OnOpen();
        self->Fail(TransportError::kTls, absl::StrCat("TLS with ", self->remote_address_, ": ",
                                                      TlsClient::Describe(*self->tls_, error)));
      });
}

void HttpConnection::OnOpen() {
  phase_ = Phase::kOpen;
  open_time_ = services_->clock->Monotonic();
  reader_.Open();
  StartRead();
  Send(exchange_);
}

}  // namespace latchwire
