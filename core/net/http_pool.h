// The connections to one scheme, host and port with one TLS profile, and the requests that wait for
// one. Internal to core/net.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <vector>

#include "core/http/url.h"
#include "core/net/http_connection.h"
#include "core/net/http_exchange.h"
#include "core/net/tls_profile.h"

namespace latchwire {

// Requests with equal keys share connections. Points into the pool that it names.
struct HttpPoolKey {
  absl::string_view origin;
  TlsProfileRef tls;

  friend bool operator==(const HttpPoolKey& a, const HttpPoolKey& b) {
    return a.origin == b.origin && a.tls == b.tls;
  }
  template <typename H>
  friend H AbslHashValue(H state, const HttpPoolKey& key) {
    return H::combine(std::move(state), key.origin, key.tls);
  }
};

// Requests are sent in the order given, on the connection that was used last, so that the others
// become idle and are closed. If no connection is idle, one is opened for the request, which fails
// if it cannot be opened; at the limits the request waits.
class HttpPool {
 public:
  HttpPool(const HttpServices* services, HttpEngine* engine, Url url,
           std::shared_ptr<const TlsProfile> tls);

  const Url& url() const { return url_; }
  const std::shared_ptr<const TlsProfile>& tls() const { return tls_; }
  HttpPoolKey key() const { return {url_.origin, TlsProfileRef{tls_.get()}}; }
  bool IsUnused() const { return connections_.empty() && waiting_.empty(); }

  void Submit(HttpExchange* exchange);
  // Called when the deadline of `exchange` has passed while it waits for a connection.
  void OnWaitingDeadline(HttpExchange* exchange);
  // Called when the engine has a connection slot to give.
  void OnSlot();
  // Closes an idle connection, whose slot the engine gives to another pool.
  void Evict(HttpConnection* connection);
  // Closes all connections and returns the requests in flight or waiting, for the engine to fail.
  std::vector<HttpExchange*> Shutdown();

  // Called by connections, as the last thing they do.
  void OnAnswer(HttpConnection* connection, HttpExchange* exchange, bool reusable);
  void OnFailure(HttpConnection* connection, HttpExchange* exchange, bool may_resend);
  void OnIdleClosed(HttpConnection* connection);

  AutoUnlinkHook wants_slot;

 private:
  using Waiting = boost::intrusive::list<
      HttpExchange,
      boost::intrusive::member_hook<HttpExchange, AutoUnlinkHook, &HttpExchange::waiting>,
      boost::intrusive::constant_time_size<false>>;

  void Dial(HttpExchange* exchange);  // on a slot that this pool holds
  void DialForWaiting();
  void Remove(HttpConnection* connection);  // keeps the slot
  void RemoveIdle(HttpConnection* connection);
  HttpExchange* TakeWaiting();

  const HttpServices* const services_;
  HttpEngine* const engine_;
  const Url url_;
  const std::shared_ptr<const TlsProfile> tls_;  // null: the transport's own trust
  std::vector<std::shared_ptr<HttpConnection>> connections_;
  std::vector<HttpConnection*> idle_;  // the most recently used at the end
  Waiting waiting_;
  size_t waiting_count_ = 0;
};

}  // namespace latchwire
