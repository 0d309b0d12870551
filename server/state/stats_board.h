// How every webhook is doing, held in memory: the store's counters and the engine's breakers. For
// whoever shows it (API, metrics) or decides by it (the engine).
#pragma once

#include <atomic>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "core/base/mutex.h"
#include "core/domain/webhook_stats.h"
#include "server/state/writer.h"
#include "server/store/store.h"

namespace latchwire {

// Thread-safe. Holds only webhooks that ever had a delivery or a failure.
class StatsBoard : public CommitObserver {
 public:
  // Reads everything from `store`. Once, before the writer's first step.
  absl::Status Load(Store* store);
  void OnCommitted(const WrittenBatch& batch) override;

  // Zeros when nothing is known of it.
  WebhookStats StatsOf(WebhookKey key) const;
  BreakerStatus BreakerOf(WebhookKey key) const;
  // The engine's; closed ones take no memory.
  void SetBreaker(WebhookKey key, const BreakerStatus& status);

  // The engine's: events come faster than this webhook's quick receiver can be served. Whoever
  // accepts events for it does well to wait a moment.
  void SetCrowded(WebhookKey key, bool crowded);
  bool IsCrowded(WebhookKey key) const;
  // Of the webhooks that the events go to; nothing is looked up while there are none.
  std::vector<WebhookKey> CrowdedTargets(const MatchedEvents& append) const;

  struct Totals {
    int64_t webhooks_failing = 0;  // with consecutive failures
    int64_t breakers_open = 0;
    int64_t breakers_half_open = 0;
    int64_t webhooks_crowded = 0;
    WebhookStats sums;  // pending, succeeded, dead, expired, dropped over all; no key
  };
  Totals Sum() const;

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<WebhookKey, WebhookStats> stats_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<WebhookKey, BreakerStatus> breakers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<WebhookKey> crowded_ ABSL_GUARDED_BY(mutex_);
  std::atomic<size_t> crowded_count_{0};
};

}  // namespace latchwire
