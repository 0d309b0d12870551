// What one part of the engine needs around it, in simulated time: a memory store behind a writer
// and a read pool, the configuration, the leases, the webhook table, and a scheduler that only
// writes down what it is asked.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/testing/simulated_world.h"
#include "core/net/testing/fake_transport.h"
#include "server/delivery/engine_counters.h"
#include "server/delivery/lease_keeper.h"
#include "server/delivery/scheduler.h"
#include "server/delivery/webhook_table.h"
#include "server/delivery/work_finder.h"
#include "server/state/configuration.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {

class RecordingScheduler : public Scheduler {
 public:
  void Reschedule(WebhookEntry& entry) override { rescheduled.push_back(entry.key); }
  void Dispatch() override { ++dispatches; }

  std::vector<WebhookKey> rescheduled;
  int dispatches = 0;
};

// Reads that wait until Run; what they post arrives on their executor as usual.
class HeldReads : public ReadPool {
 public:
  explicit HeldReads(Store* store) : store_(store) {}
  bool Submit(Read read) override;
  void SubmitAlways(Read read) override { (void)Submit(std::move(read)); }
  void Run();  // the first of them
  size_t held() const { return reads_.size(); }

 private:
  Store* const store_;
  std::deque<Read> reads_;
};

class PartWorld {
 public:
  explicit PartWorld(WebhookTable::Limits limits = {.ready_per_webhook = 8,
                                                    .ready_bytes = 1024 * 1024});
  ~PartWorld() { executor.Clear(); }

  // Takes all leases, and finds that the store has no work.
  void OwnEverything();
  WebhookKey CreateWebhook(Webhook webhook = {});
  // Stores `count` events with a delivery to `webhook`, without telling anybody.
  void StoreDeliveries(WebhookKey webhook, int count);
  // Has the writer write `mutation`, which must succeed.
  template <typename M>
  typename M::Result Write(M mutation) {
    std::optional<absl::StatusOr<typename M::Result>> result;
    writer.Submit(std::move(mutation),
                  [&](Written<M> written) { result = std::move(written.result); });
    executor.RunFor(absl::ZeroDuration());
    LATCHWIRE_CHECK(result.has_value() && result->ok());
    return **std::move(result);
  }
  PendingDelivery Pending(WebhookKey webhook, int64_t number) const;
  // The entry of a webhook that was created.
  WebhookEntry& Entry(WebhookKey webhook) { return *webhooks.FindOrMake(webhook); }

  SimulatedClock clock;
  SimulatedExecutor executor{&clock};
  SeededRandom random{1};
  std::shared_ptr<MemoryDatabase> database = MemoryDatabase::Make();
  std::unique_ptr<Store> store = NewMemoryStore(database);
  Configuration configuration;
  StatsBoard stats;
  Writer writer{store.get(), WriterOptions{}};
  HeldReads reads{store.get()};
  FakeTransport transport{&executor};
  EngineCounters counters;
  RecordingScheduler scheduler;
  std::vector<std::pair<LeaseKeeper::Partitions, bool>> lease_changes;
  std::vector<size_t> found_pages;  // how many webhooks each had
  LeaseKeeper leases;
  WorkFinder work;
  WebhookTable webhooks;
};

}  // namespace latchwire
