// The delivery engine: decides which delivery is attempted when, attempts it, judges the answer,
// and has the outcome recorded. Everything it does follows from what the store holds, so it can be
// killed at any moment and continues from there.
//
// It wires its parts, each of which has one state of its own:
//   LeaseKeeper   which webhooks are this server's
//   WorkFinder    which of them have pending deliveries in the store
//   CommitFeed    what commits bring and change
//   WebhookTable  the webhooks' queues and limits, and the memory they share
//   TimerLine     when a webhook is to be looked at again
//   Loader        deliveries from the store into memory
//   Attempter     attempts in flight, and outcomes to be recorded
//   Suspender     webhooks to be suspended
// A part that changes a webhook's state asks the Scheduler, which the engine implements, to look at
// it again.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/random.h"
#include "core/net/transport.h"
#include "server/delivery/attempter.h"
#include "server/delivery/commit_feed.h"
#include "server/delivery/engine_counters.h"
#include "server/delivery/lease_keeper.h"
#include "server/delivery/loader.h"
#include "server/delivery/operational_events.h"
#include "server/delivery/scheduler.h"
#include "server/delivery/suspender.h"
#include "server/delivery/timer_line.h"
#include "server/delivery/webhook_table.h"
#include "server/delivery/work_finder.h"
#include "server/state/configuration.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer.h"

namespace latchwire {

struct EngineOptions {
  // The owner of the leases. It must be the same after a restart, so that a restarted server need
  // not wait until its own leases end, and must differ between servers that run at the same time.
  std::string owner = "server";
  absl::Duration lease_duration = absl::Seconds(30);
  // Attempts in flight over all webhooks (by fair shares: fair_share.h), and attempts in flight or
  // not recorded yet: beyond either nothing new is sent.
  size_t max_in_flight = 2048;
  size_t max_unrecorded = 8192;
  // Deliveries waiting in memory, per webhook and in bytes over all (by fair shares); the rest
  // waits in the store.
  size_t max_ready_per_webhook = 8192;
  size_t max_ready_bytes = 64 * 1024 * 1024;
  // Concurrent loads from the store, at most half of them for failing webhooks.
  int max_loads = 4;
};

// All methods run on the executor's thread, except where they say otherwise. Destroy it only after
// the executor has stopped running tasks and the writer has stopped stepping.
class Engine : private Scheduler {
 public:
  struct World {
    Executor* executor;
    Clock* clock;
    Random* random;
    Writer* writer;
    ReadPool* reads;
    Configuration* configuration;
    Transport* transport;
    StatsBoard* stats;  // an observer of the writer too, before the engine
  };

  Engine(World world, EngineOptions options);

  // Registers with the writer and the configuration, takes the leases and begins. Any thread;
  // before the writer's first step.
  void Start();
  // Starts no more attempts; calls `done` (on the executor) once those in flight are recorded and
  // the leases given up. Any thread; once.
  void Drain(absl::AnyInvocable<void()> done);

  // Makes one attempt of the format's test event, now, whatever the webhook's state; records
  // nothing. Any thread; `done` runs on the executor.
  void SendTest(std::shared_ptr<const Webhook> webhook, absl::AnyInvocable<void(HttpResult)> done) {
    attempter_.SendTest(*webhook, std::move(done));
  }

  // Another server has left work for these in the store; those that are not owned here are ignored.
  // Any thread.
  void OnForeignWork(std::vector<WebhookKey> webhooks) {
    commits_.OnForeignWork(std::move(webhooks));
  }

  // Readable from any thread.
  const EngineCounters& counters() const { return counters_; }

 private:
  void Reschedule(WebhookEntry& entry) override;
  void Dispatch() override;

  void OnWebhookChanged(WebhookKey key, std::shared_ptr<const Webhook> webhook);
  void OnLeasesChanged(const LeaseKeeper::Partitions& lost, bool gained);
  void OnWorkFound(absl::Span<const WebhookWork> work);
  void OnDrainStep();

  const World world_;
  EngineCounters counters_;
  LeaseKeeper leases_;
  WorkFinder work_;
  WebhookTable webhooks_;
  TimerLine timers_;
  OperationalEvents events_;
  Suspender suspender_;
  Loader loader_;
  Attempter attempter_;
  CommitFeed commits_;
  absl::AnyInvocable<void()> drained_;  // set while Drain waits
};

}  // namespace latchwire
