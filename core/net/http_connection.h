// A connection to a receiver, from look-up to close. Internal to core/net.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/net/http_exchange.h"
#include "core/net/response_reader.h"
#include "core/net/tls_client.h"

namespace latchwire {

// Carries one exchange at a time and tells its pool how it ended. A read is always outstanding,
// even when idle, so that a receiver's close is noticed at once and a response needs no read of its
// own. Handlers keep the connection alive; after Close they find it closed and do nothing.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(const HttpServices* services, HttpPool* pool);

  // Connects for this exchange and sends it. Reports nothing from inside this call.
  void Open(HttpExchange* exchange);
  // Sends on an idle connection. Reports nothing from inside this call.
  void Send(HttpExchange* exchange);
  // Called when the exchange's deadline has passed.
  void OnDeadline();
  // Closes the connection; it reports nothing more.
  void Close();

  HttpExchange* exchange() const { return exchange_; }
  HttpPool* pool() const { return pool_; }

  size_t index_in_pool = 0;
  AutoUnlinkHook idle_in_engine;

 private:
  enum class Phase { kResolving, kConnecting, kHandshaking, kOpen, kClosed };
  struct Timer : TimerWheel::Timer {
    explicit Timer(HttpConnection* its_owner) : owner(its_owner) {}
    void OnExpire() override { owner->OnTimer(); }
    HttpConnection* const owner;
  };

  void Resolve();
  void OnResolved(const DnsResolver::Result& result);
  void ConnectNext();
  void OnConnected();
  void Handshake();
  void OnOpen();
  void OnTimer();  // of one connection attempt, or of being idle

  void BuildHead();
  void Write();
  void StartRead();
  void OnRead(const boost::system::error_code& error, size_t size);
  void OnEnd(const boost::system::error_code& error);

  void Answer(bool reusable);
  void Fail(TransportError error, std::string detail, bool may_resend = false);

  const HttpServices* const services_;
  HttpPool* const pool_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsClient::Stream> tls_;
  Timer timer_{this};
  Phase phase_ = Phase::kResolving;
  HttpExchange* exchange_ = nullptr;

  std::vector<IpAddress> addresses_;  // judged
  size_t next_address_ = 0;
  int attempt_ = 0;  // the handler of an attempt that was given up finds another number here
  std::string connect_errors_;
  std::string remote_address_;
  absl::Duration open_time_;

  std::string out_;
  bool writing_ = false;
  bool reading_ = false;
  bool used_ = false;
  ResponseReader reader_;
};

}  // namespace latchwire
