#include "core/net/http_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/net/http_engine.h"

namespace latchwire {

HttpPool::HttpPool(const HttpServices* services, HttpEngine* engine, Url url,
                   std::shared_ptr<const TlsProfile> tls)
    : services_(services), engine_(engine), url_(std::move(url)), tls_(std::move(tls)) {}

void HttpPool::Submit(HttpExchange* exchange) {
  LATCHWIRE_DCHECK(exchange->pool == nullptr && exchange->connection == nullptr);
  exchange->pool = this;
  if (!idle_.empty()) {
    HttpConnection* connection = idle_.back();
    RemoveIdle(connection);
    return connection->Send(exchange);
  }
  waiting_.push_back(*exchange);
  ++waiting_count_;
  DialForWaiting();
  const size_t limit = services_->options->max_waiting_per_host;
  if (waiting_count_ <= limit) return;
  waiting_.pop_back();  // dialing takes from the front, so this is the one that came last
  --waiting_count_;
  engine_->FailLater(exchange, TransportError::kOverloaded,
                     absl::StrCat(limit, " requests wait for ", url_.origin, " already"));
}

HttpExchange* HttpPool::TakeWaiting() {
  LATCHWIRE_CHECK(waiting_count_ > 0 && !waiting_.empty());
  HttpExchange* exchange = &waiting_.front();
  waiting_.pop_front();
  --waiting_count_;
  return exchange;
}

void HttpPool::DialForWaiting() {
  while (!waiting_.empty() && connections_.size() < services_->options->max_connections_per_host) {
    if (!engine_->TakeSlot()) return engine_->WantSlot(this);
    Dial(TakeWaiting());
  }
}

void HttpPool::Dial(HttpExchange* exchange) {
  auto connection = std::make_shared<HttpConnection>(services_, this);
  connection->index_in_pool = connections_.size();
  connections_.push_back(connection);
  connection->Open(exchange);
}

void HttpPool::OnSlot() { DialForWaiting(); }

void HttpPool::OnWaitingDeadline(HttpExchange* exchange) {
  waiting_.erase(waiting_.iterator_to(*exchange));
  --waiting_count_;
  exchange->result.error = TransportError::kTimeout;
  exchange->result.detail = absl::StrCat("no connection to ", url_.origin, " became free within ",
                                         absl::FormatDuration(exchange->request.timeout));
  engine_->Finish(exchange);
}

void HttpPool::Remove(HttpConnection* connection) {
  const size_t index = connection->index_in_pool;
  LATCHWIRE_CHECK(index < connections_.size() && connections_[index].get() == connection);
  const std::shared_ptr<HttpConnection> removed = std::move(connections_[index]);
  if (index + 1 != connections_.size()) {
    connections_[index] = std::move(connections_.back());
    connections_[index]->index_in_pool = index;
  }
  connections_.pop_back();
  removed->Close();
}

void HttpPool::RemoveIdle(HttpConnection* connection) {
  LATCHWIRE_DCHECK(connection->exchange() == nullptr);
  connection->idle_in_engine.unlink();
  if (idle_.back() == connection) {
    idle_.pop_back();
  } else {
    const auto found = std::find(idle_.begin(), idle_.end(), connection);
    LATCHWIRE_CHECK(found != idle_.end());
    idle_.erase(found);
  }
}

void HttpPool::Evict(HttpConnection* connection) {
  RemoveIdle(connection);
  Remove(connection);
}

void HttpPool::OnIdleClosed(HttpConnection* connection) {
  Evict(connection);
  engine_->ReturnSlot();
}

void HttpPool::OnAnswer(HttpConnection* connection, HttpExchange* exchange, bool reusable) {
  if (!reusable) {
    Remove(connection);
    engine_->ReturnSlot();
    DialForWaiting();
  } else if (!waiting_.empty()) {
    connection->Send(TakeWaiting());
  } else {
    idle_.push_back(connection);
    engine_->AddIdle(connection);
  }
  engine_->Finish(exchange);
}

void HttpPool::OnFailure(HttpConnection* connection, HttpExchange* exchange, bool may_resend) {
  Remove(connection);
  if (may_resend && !exchange->resent) {
    exchange->resent = true;
    exchange->result = HttpResult();
    return Dial(exchange);
  }
  engine_->ReturnSlot();
  DialForWaiting();
  engine_->Finish(exchange);
}

std::vector<HttpExchange*> HttpPool::Shutdown() {
  std::vector<HttpExchange*> open;
  while (!waiting_.empty()) open.push_back(TakeWaiting());
  idle_.clear();
  for (const auto& connection : connections_) {
    connection->idle_in_engine.unlink();
    if (connection->exchange() != nullptr) open.push_back(connection->exchange());
    connection->Close();
  }
  connections_.clear();
  return open;
}

}  // namespace latchwire
