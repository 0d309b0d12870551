// Hands what commits change from the writer's thread to the webhooks' queues.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/domain/pending_delivery.h"
#include "server/delivery/engine_counters.h"
#include "server/delivery/lease_keeper.h"
#include "server/delivery/scheduler.h"
#include "server/delivery/webhook_table.h"
#include "server/state/writer.h"

namespace latchwire {

// Fresh deliveries go straight into memory as far as they fit; of everything else, and of what does
// not fit, the queue is told that the store has work. Outlives the executor's and the writer's last
// task.
class CommitFeed : public CommitObserver {
 public:
  struct World {
    Executor* executor;
    const Clock* clock;
    const LeaseKeeper* leases;
    WebhookTable* webhooks;
    Scheduler* scheduler;
    EngineCounters* counters;
  };

  // At most `max_posted_bytes` of fresh deliveries are on their way to the executor; beyond that
  // they are left to the store.
  CommitFeed(World world, size_t max_posted_bytes)
      : world_(world), max_posted_bytes_(max_posted_bytes) {}

  // On the writer's thread.
  void OnCommitted(const WrittenBatch& batch) override;
  // Another server has left work for these in the store. Any thread.
  void OnForeignWork(std::vector<WebhookKey> webhooks);

 private:
  struct Changes {
    std::vector<PendingDelivery> fresh;
    size_t fresh_bytes = 0;
    std::vector<WebhookKey> left_to_store;  // the store holds work of these
    std::vector<DeliveryKey> dropped;       // no longer pending
    std::vector<Delivery> changed;          // pending, as they are now
    std::vector<WebhookKey> invalidated;    // any delivery of these may have ended
    int64_t dropped_count = 0;              // new ones too, which were never pending
    int64_t operational_count = 0;

    bool empty() const {
      return fresh.empty() && left_to_store.empty() && dropped.empty() && changed.empty() &&
             invalidated.empty();
    }
  };

  // On the writer's thread.
  void GatherAppend(const MatchedEvents& append, const AppendResult& result,
                    absl::Duration commit_time, Changes& changes) const;
  void GatherFresh(const MatchedEvents& append, const NewEvent& event, const DeliveryTarget& target,
                   absl::Duration commit_time, Changes& changes) const;

  // On the executor's.
  void Apply(Changes changes);
  void Offer(PendingDelivery delivery);

  const World world_;
  const size_t max_posted_bytes_;
  std::atomic<size_t> posted_bytes_{0};  // committed, and not yet applied on the executor
};

}  // namespace latchwire
