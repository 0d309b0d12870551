// Holds all pools and their shared limits, and passes requests through them. Internal to core/net.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/net/asio_executor.h"
#include "core/net/beast_transport.h"
#include "core/net/http_connection.h"
#include "core/net/http_exchange.h"
#include "core/net/http_pool.h"
#include "core/net/tls_clients.h"

namespace latchwire {

// Used and destroyed on the executor's thread, except for Accept.
class HttpEngine : public std::enable_shared_from_this<HttpEngine> {
 public:
  HttpEngine(AsioExecutor* executor, BeastTransportOptions options);

  // Thread-safe.
  void Accept(HttpRequest request, Transport::Done done);
  // Answers all requests with kShutdown, later ones too.
  void Shutdown();

  void OnDeadline(HttpExchange* exchange);

  // Used by pools. A slot is the right to one connection.
  bool TakeSlot();
  void ReturnSlot();
  void WantSlot(HttpPool* pool);             // OnSlot is called in turn, once
  void AddIdle(HttpConnection* connection);  // which may be evicted at once
  // Calls `done`, which may send again: a caller must do this last.
  void Finish(HttpExchange* exchange);
  void FailLater(HttpExchange* exchange, TransportError error, std::string detail);

 private:
  using IdleList =
      boost::intrusive::list<HttpConnection,
                             boost::intrusive::member_hook<HttpConnection, AutoUnlinkHook,
                                                           &HttpConnection::idle_in_engine>,
                             boost::intrusive::constant_time_size<false>>;
  using PoolList = boost::intrusive::list<
      HttpPool, boost::intrusive::member_hook<HttpPool, AutoUnlinkHook, &HttpPool::wants_slot>,
      boost::intrusive::constant_time_size<false>>;

  void Submit(HttpExchange* exchange);
  // Until the next call.
  absl::StatusOr<const Url*> Parsed(const std::string& text);
  HttpPool* FindPool(const Url& url, const std::shared_ptr<const TlsProfile>& tls);
  void OfferSlots();

  AsioExecutor* const executor_;
  const BeastTransportOptions options_;
  const AddressGuard guard_;
  TlsClient own_tls_;
  TlsClients tls_;
  TimerWheel wheel_;
  DnsResolver resolver_;
  const HttpServices services_;
  std::atomic<size_t> open_requests_{0};
  bool shut_down_ = false;
  size_t connections_ = 0;
  IdleList idle_;  // the one idle for longest first
  PoolList want_slot_;
  absl::flat_hash_map<HttpPoolKey, std::unique_ptr<HttpPool>> pools_;
  absl::flat_hash_map<std::string, Url> parsed_;
  size_t sweep_at_ = 1024;  // pools, at which unused ones are thrown away
};

}  // namespace latchwire
