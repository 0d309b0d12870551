#include "server/state/stats_board.h"

#include <utility>

namespace latchwire {
namespace {

constexpr int kLoadPage = 1000;

}  // namespace

absl::Status StatsBoard::Load(Store* store) {
  MutexLock lock(&mutex_);
  for (WebhookKey after;;) {
    absl::StatusOr<std::vector<WebhookStats>> page = store->LoadStats(after, kLoadPage);
    if (!page.ok()) return page.status();
    if (page->empty()) return absl::OkStatus();
    after = page->back().key;
    for (WebhookStats& stats : *page) stats_.insert_or_assign(stats.key, std::move(stats));
  }
}

void StatsBoard::OnCommitted(const WrittenBatch& batch) {
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < batch.mutations().size(); ++i) {
    if (!batch.results()[i].ok()) continue;
    for (const WebhookStats& stats : latchwire::StatsOf(batch.results()[i])) {
      stats_.insert_or_assign(stats.key, stats);
    }
    if (const auto* del = std::get_if<DeleteWebhook>(&batch.mutations()[i])) {
      stats_.erase(del->key);
      breakers_.erase(del->key);
    }
  }
}

WebhookStats StatsBoard::StatsOf(WebhookKey key) const {
  MutexLock lock(&mutex_);
  const auto found = stats_.find(key);
  if (found != stats_.end()) return found->second;
  WebhookStats none;
  none.key = key;
  return none;
}

BreakerStatus StatsBoard::BreakerOf(WebhookKey key) const {
  MutexLock lock(&mutex_);
  const auto found = breakers_.find(key);
  return found == breakers_.end() ? BreakerStatus() : found->second;
}

void StatsBoard::SetBreaker(WebhookKey key, const BreakerStatus& status) {
  MutexLock lock(&mutex_);
  if (status.state == BreakerState::kClosed) {
    breakers_.erase(key);
  } else {
    breakers_.insert_or_assign(key, status);
  }
}

void StatsBoard::SetCrowded(WebhookKey key, bool crowded) {
  MutexLock lock(&mutex_);
  if (crowded) {
    crowded_.insert(key);
  } else {
    crowded_.erase(key);
  }
  crowded_count_.store(crowded_.size(), std::memory_order_relaxed);
}

bool StatsBoard::IsCrowded(WebhookKey key) const {
  if (crowded_count_.load(std::memory_order_relaxed) == 0) return false;
  MutexLock lock(&mutex_);
  return crowded_.contains(key);
}

std::vector<WebhookKey> StatsBoard::CrowdedTargets(const MatchedEvents& append) const {
  if (crowded_count_.load(std::memory_order_relaxed) == 0) return {};
  absl::flat_hash_set<WebhookKey> found;
  MutexLock lock(&mutex_);
  for (const NewEvent& event : append.events) {
    for (const DeliveryTarget& target : event.targets) {
      const WebhookKey key{append.tenant, target.webhook_uid};
      if (crowded_.contains(key)) found.insert(key);
    }
  }
  return {found.begin(), found.end()};
}

StatsBoard::Totals StatsBoard::Sum() const {
  Totals totals;
  MutexLock lock(&mutex_);
  for (const auto& [key, stats] : stats_) {
    totals.webhooks_failing += stats.consecutive_failures > 0;
    totals.sums.pending += stats.pending;
    totals.sums.succeeded += stats.succeeded;
    totals.sums.dead += stats.dead;
    totals.sums.expired += stats.expired;
    totals.sums.dropped += stats.dropped;
  }
  for (const auto& [key, breaker] : breakers_) {
    totals.breakers_open += breaker.state == BreakerState::kOpen;
    totals.breakers_half_open += breaker.state == BreakerState::kHalfOpen;
  }
  totals.webhooks_crowded = static_cast<int64_t>(crowded_.size());
  return totals;
}

}  // namespace latchwire
