#include "core/net/http_engine.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace latchwire {
namespace {

// Parsing takes longer than finding a connection, and a webhook's URL is always the same.
constexpr size_t kMaxParsedUrls = 1024;

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
         absl::string_view("!#$%&'*+.^_`|~").find(c) != absl::string_view::npos;
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

bool IsHeaderValue(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  });
}

// Whatever would end a line early would let its writer add headers, or requests, of his own.
absl::Status CheckRequest(const HttpRequest& request) {
  if (!IsToken(request.method) || request.method == "CONNECT") {
    return absl::InvalidArgumentError(
        absl::StrCat("method \"", absl::CHexEscape(request.method), "\" cannot be sent"));
  }
  for (const HttpHeader& header : request.headers) {
    if (!IsToken(header.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("header name \"", absl::CHexEscape(header.name),
                       "\" holds characters that HTTP does not allow"));
    }
    if (!IsHeaderValue(header.value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the value of header ", header.name, " holds control characters"));
    }
  }
  return absl::OkStatus();
}

DnsOptions MakeDnsOptions(const BeastTransportOptions& options) {
  DnsOptions dns;
  dns.servers = options.dns_servers;
  dns.timeout = options.dns_timeout;
  dns.try_timeout = options.dns_try_timeout;
  dns.tries = options.dns_tries;
  dns.min_ttl = options.dns_min_ttl;
  dns.max_ttl = options.dns_max_ttl;
  dns.negative_ttl = options.dns_negative_ttl;
  dns.max_cached_names = options.dns_max_cached_names;
  return dns;
}

}  // namespace

void HttpExchange::OnExpire() { engine->OnDeadline(this); }

HttpEngine::HttpEngine(AsioExecutor* executor, BeastTransportOptions options)
    : executor_(executor),
      options_(std::move(options)),
      guard_(options_.allow_networks),
      own_tls_(options_.trust_store_path, options_.extra_trusted_pem),
      tls_(&own_tls_, options_.max_tls_profiles),
      wheel_(&executor->context(), options_.clock),
      resolver_(&executor->context(), &wheel_, options_.clock, MakeDnsOptions(options_)),
      services_{&executor->context(), options_.clock, &options_, &guard_, &wheel_,
                &resolver_,           &tls_} {}

void HttpEngine::Accept(HttpRequest request, Transport::Done done) {
  auto exchange = std::make_unique<HttpExchange>();
  exchange->engine = this;
  exchange->start = options_.clock->Monotonic();
  exchange->deadline = exchange->start + request.timeout;
  exchange->request = std::move(request);
  exchange->done = std::move(done);
  if (open_requests_.fetch_add(1, std::memory_order_relaxed) >= options_.max_requests) {
    return FailLater(exchange.release(), TransportError::kOverloaded,
                     absl::StrCat("more than ", options_.max_requests, " requests are in flight"));
  }
  if (executor_->IsLoopThread()) return Submit(exchange.release());
  boost::asio::post(executor_->context(),
                    [self = shared_from_this(), exchange = std::move(exchange)]() mutable {
                      self->Submit(exchange.release());
                    });
}

void HttpEngine::Submit(HttpExchange* exchange) {
  if (shut_down_) {
    return FailLater(exchange, TransportError::kShutdown, "the transport is stopping");
  }
  const absl::StatusOr<const Url*> url = Parsed(exchange->request.url);
  const absl::Status status = url.ok() ? CheckRequest(exchange->request) : url.status();
  if (!status.ok()) {
    return FailLater(exchange, TransportError::kInvalidUrl, std::string(status.message()));
  }
  if (!options_.allow_ports.empty() && !ContainsPort(options_.allow_ports, (*url)->port)) {
    return FailLater(exchange, TransportError::kBlockedAddress,
                     absl::StrCat("port ", (*url)->port,
                                  " is not one that deliveries may reach; the operator can allow "
                                  "it with --allow_ports"));
  }
  exchange->target = (*url)->target;
  wheel_.ArmAt(exchange, exchange->deadline);
  std::shared_ptr<const TlsProfile>& tls = exchange->request.tls;
  if (tls != nullptr && (!(*url)->is_https || tls->empty())) tls.reset();
  FindPool(**url, tls)->Submit(exchange);
}

absl::StatusOr<const Url*> HttpEngine::Parsed(const std::string& text) {
  const auto known = parsed_.find(text);
  if (known != parsed_.end()) return &known->second;
  auto url = ParseUrl(text);
  if (!url.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the URL ", url.status().message()));
  }
  // Those in use come back soon; keeping track of their age would cost every request.
  if (parsed_.size() >= kMaxParsedUrls) parsed_.clear();
  return &parsed_.emplace(text, *std::move(url)).first->second;
}

HttpPool* HttpEngine::FindPool(const Url& url, const std::shared_ptr<const TlsProfile>& tls) {
  const HttpPoolKey wanted{url.origin, TlsProfileRef{tls.get()}};
  if (auto it = pools_.find(wanted); it != pools_.end()) return it->second.get();
  if (pools_.size() >= sweep_at_) {
    absl::erase_if(pools_, [](const auto& entry) { return entry.second->IsUnused(); });
    sweep_at_ = std::max<size_t>(1024, pools_.size() * 2);
  }
  auto pool = std::make_unique<HttpPool>(&services_, this, url, tls);
  const HttpPoolKey key = pool->key();
  return pools_.emplace(key, std::move(pool)).first->second.get();
}

void HttpEngine::OnDeadline(HttpExchange* exchange) {
  if (exchange->connection != nullptr) {
    exchange->connection->OnDeadline();
  } else {
    exchange->pool->OnWaitingDeadline(exchange);
  }
}

bool HttpEngine::TakeSlot() {
  if (connections_ < options_.max_connections) {
    ++connections_;
    return true;
  }
  if (idle_.empty()) return false;
  HttpConnection& oldest = idle_.front();
  oldest.pool()->Evict(&oldest);
  return true;
}

void HttpEngine::ReturnSlot() {
  LATCHWIRE_CHECK(connections_ > 0, "a slot was returned twice");
  --connections_;
  OfferSlots();
}

void HttpEngine::AddIdle(HttpConnection* connection) {
  idle_.push_back(*connection);
  OfferSlots();
}

// A pool that needs more than it gets asks again, behind the others.
void HttpEngine::OfferSlots() {
  while (!want_slot_.empty() && (connections_ < options_.max_connections || !idle_.empty())) {
    HttpPool& pool = want_slot_.front();
    want_slot_.pop_front();
    pool.OnSlot();
  }
}

void HttpEngine::WantSlot(HttpPool* pool) {
  if (!pool->wants_slot.is_linked()) want_slot_.push_back(*pool);
}

void HttpEngine::Finish(HttpExchange* exchange) {
  const std::unique_ptr<HttpExchange> owned(exchange);
  LATCHWIRE_CHECK(exchange->done, "a request was finished twice");
  exchange->Disarm();
  exchange->result.duration = options_.clock->Monotonic() - exchange->start;
  open_requests_.fetch_sub(1, std::memory_order_relaxed);
  std::move(exchange->done)(std::move(exchange->result));
}

void HttpEngine::FailLater(HttpExchange* exchange, TransportError error, std::string detail) {
  exchange->Disarm();
  exchange->result.error = error;
  exchange->result.detail = std::move(detail);
  boost::asio::post(
      executor_->context(),
      [self = shared_from_this(), owned = std::unique_ptr<HttpExchange>(exchange)]() mutable {
        self->Finish(owned.release());
      });
}

void HttpEngine::Shutdown() {
  shut_down_ = true;
  std::vector<HttpExchange*> open;
  for (auto& [key, pool] : pools_) {
    const std::vector<HttpExchange*> of_pool = pool->Shutdown();
    open.insert(open.end(), of_pool.begin(), of_pool.end());
  }
  for (HttpExchange* exchange : open) {
    exchange->Disarm();
    exchange->result.error = TransportError::kShutdown;
    exchange->result.detail = "the transport was stopped before the answer was there";
    Finish(exchange);
  }
}

}  // namespace latchwire
