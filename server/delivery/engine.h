// The delivery engine: decides which delivery is attempted when, attempts it, judges the answer,
// and has the outcome recorded. Everything it does follows from what the store holds, so that it
// can be killed at any moment and go on from there.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/latency_histogram.h"
#include "core/base/random.h"
#include "core/delivery/circuit_breaker.h"
#include "core/delivery/crowding.h"
#include "core/delivery/fair_share.h"
#include "core/delivery/rate_limiter.h"
#include "core/delivery/webhook_queue.h"
#include "core/formats/format.h"
#include "core/net/transport.h"
#include "server/delivery/outcome_recorder.h"
#include "server/state/configuration.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer.h"

namespace latchwire {

struct EngineOptions {
  // Who holds the leases. The same after a restart, so that a restarted server need not wait for
  // the end of its own leases; whoever runs two servers must see to it that their owners differ.
  std::string owner = "server";
  absl::Duration lease_duration = absl::Seconds(30);
  // Attempts under way over all webhooks (by fair shares: fair_share.h), and attempts not recorded
  // yet: beyond either nothing new is sent.
  size_t max_in_flight = 2048;
  size_t max_unrecorded = 8192;
  // Deliveries that wait in memory, per webhook and over all (by fair shares); what is beyond waits
  // in the store.
  size_t max_ready_per_webhook = 8192;
  size_t max_ready_bytes = 64 * 1024 * 1024;
  // Loads from the store at the same time, half of them at most for webhooks that fail.
  int max_loads = 4;
};

// Since the start, readable from any thread; see docs/operating.md.
struct EngineCounters {
  std::atomic<int64_t> attempts{0};
  std::atomic<int64_t> succeeded{0};
  std::atomic<int64_t> retried{0};
  std::atomic<int64_t> dead{0};
  std::atomic<int64_t> expired{0};
  std::atomic<int64_t> fenced{0};
  // Deliveries that an overflow ended, new ones and older ones.
  std::atomic<int64_t> dropped{0};
  // That left memory, back to the store, for one of a higher priority.
  std::atomic<int64_t> priority_displaced{0};
  // How often a webhook had something to send and had to wait for its rate.
  std::atomic<int64_t> rate_limited{0};
  std::atomic<int64_t> breakers_opened{0};
  std::atomic<int64_t> breaker_probes{0};
  // Webhooks that the engine has suspended.
  std::atomic<int64_t> suspended_webhooks{0};
  // Stored; and not stored, because webhooks changed all the time or the store refused them.
  std::atomic<int64_t> operational_events{0};
  std::atomic<int64_t> operational_events_lost{0};
  // Now.
  std::atomic<int64_t> in_flight{0};
  std::atomic<int64_t> ready_bytes{0};
  // From the commit of an event to the answer to its first attempt, for deliveries that did not
  // have to wait in the store.
  LatencyHistogram commit_to_answer;
};

// All methods run on the executor's thread, except where they say otherwise. Destroy it only after
// the executor has stopped running tasks and the writer has stopped stepping.
class Engine : public CommitObserver {
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
  // Starts no more attempts; calls `done` (on the executor) when those under way are recorded and
  // the leases given up. Any thread.
  void Drain(absl::AnyInvocable<void()> done);

  // One attempt of the format's test event, now, whatever the webhook's state; records nothing. Any
  // thread; `done` runs on the executor.
  void SendTest(std::shared_ptr<const Webhook> webhook, absl::AnyInvocable<void(HttpResult)> done);

  // On the writer's thread.
  void OnCommitted(absl::Span<const Mutation> mutations) override;

  const EngineCounters& counters() const { return counters_; }

 private:
  // One per webhook that has had work since the start.
  struct Entry {
    std::shared_ptr<const Webhook> webhook;  // null: deleted; goes when nothing is taken any more
    std::unique_ptr<WebhookQueue> queue;
    CircuitBreaker breaker;
    RateLimiter rate;
    Crowding crowding;
    size_t in_flight = 0;       // attempts under way; taken_count() also has those not recorded yet
    bool suspect = false;       // its last attempt failed: see FairShare
    bool suspending = false;    // a Suspend is under way
    bool runnable = false;      // is in runnable_ or blocked_
    bool load_waiting = false;  // is in load_waiting_
    bool rate_waiting = false;  // waits for its rate, and is counted as such
    absl::Time timer = absl::InfiniteFuture();
    size_t ready_bytes = 0;  // as counted in ready_share_
    int64_t displaced = 0;   // as counted in counters_
  };

  // Leases (engine_leases.cc).
  void RenewLeases();
  void OnLeases(const AcquireLeases& leases);
  bool Owns(WebhookKey key) const { return fences_[PartitionOf(key)] != 0; }
  void DropPartitions(const std::array<bool, kPartitionCount>& lost);
  void LoadWork(WebhookKey after);
  void OnWork(absl::StatusOr<std::vector<WebhookWork>> work, WebhookKey after);
  void OnDrainStep();

  // What there is to do (engine.cc).
  Entry* FindEntry(WebhookKey key);
  Entry* EntryFor(WebhookKey key);  // makes one; null when there is no such webhook
  void OnWebhookChanged(WebhookKey key, std::shared_ptr<const Webhook> webhook);
  bool MayAttempt(const Entry& entry) const;
  // Whether what is pending of it is worth memory now.
  bool KeepsReady(const Entry& entry) const;
  // When its next attempt may start by the breaker and the rate; InfinitePast: at once.
  absl::Time GateTime(const Entry& entry) const;
  bool MayStart(const Entry& entry) const;
  void SetSuspect(Entry& entry, bool suspect);
  void EraseIfDone(WebhookKey key, const Entry& entry);
  // The breaker's state has changed.
  void PublishBreaker(WebhookKey key, const Entry& entry);
  // Looks at what the entry can do next, and puts it in the lines for that. After every change to
  // it.
  void Touch(WebhookKey key, Entry& entry);
  void SetTimer(WebhookKey key, Entry& entry, absl::Time time);
  void ArmTimer();
  void OnTimer(uint64_t timer_id);
  void CheckWallClock();

  // What commits bring (engine_commits.cc).
  struct Committed;
  void OnPosted(Committed committed);
  void OnFresh(std::vector<PendingDelivery> fresh);

  // Loads from the store (engine_loads.cc).
  bool TakeLoadTurn(bool* suspect, WebhookKey* key);
  void StartLoads();
  void StartLoad(WebhookKey key, Entry& entry, bool suspect);
  void OnLoaded(WebhookKey key, bool suspect, absl::StatusOr<DueDeliveries> loaded);

  // Attempts (engine_attempts.cc).
  void Dispatch();
  // Those that had to leave room for others get their turn again.
  void Unblock();
  void StartAttempt(WebhookKey key, Entry& entry, PendingDelivery delivery);
  struct Flight;
  void OnAnswer(Flight flight, HttpResult result);
  // What the answer says about the receiver.
  void OnVerdict(WebhookKey key, Entry& entry, const CircuitBreaker::Ticket& ticket, bool success);
  void Expire(WebhookKey key, PendingDelivery delivery, absl::Time now);
  void Record(PendingDelivery delivery, const latchwire::Attempt& attempt, int64_t fence);
  void OnRecorded(std::vector<OutcomeRecorder::Entry> entries,
                  absl::Span<const WebhookStats> stats);
  void OnFenced(std::vector<OutcomeRecorder::Entry> entries);

  // Suspending, and events about it and about the dead (engine_operational.cc).
  void SuspendIfFailing(const WebhookStats& stats);
  void Suspend(WebhookKey key, std::string reason, int tries = 0);
  std::vector<AppendEvents> EventsAboutDead(absl::Span<const OutcomeRecorder::Entry> entries);
  // Leaves only events that some webhook asks for; false when none is left.
  bool MatchOperational(AppendEvents* append) const;

  const World world_;
  const EngineOptions options_;
  OutcomeRecorder recorder_;
  std::array<int64_t, kPartitionCount> fences_{};
  // Whether every webhook with pending deliveries has an entry. Until then a new entry's store may
  // hold work.
  bool work_loaded_ = false;

  absl::btree_map<WebhookKey, std::unique_ptr<Entry>> entries_;
  std::deque<WebhookKey> runnable_;  // webhooks with something to attempt, in turn
  std::deque<WebhookKey> blocked_;   // the same, but they had their share of in_flight_share_
  // Webhooks that want a load, in turn: healthy ones, suspects.
  std::array<std::deque<WebhookKey>, 2> load_waiting_;
  bool suspects_load_next_ = false;
  int loads_ = 0;
  int suspect_loads_ = 0;
  absl::btree_set<std::pair<absl::Time, WebhookKey>> timers_;
  uint64_t timer_id_ = 0;
  absl::Time armed_ = absl::InfiniteFuture();
  absl::Time
      wall_start_;  // wall time at monotonic zero, as last seen: it moves when the clock jumps
  FairShare in_flight_share_;
  FairShare ready_share_;
  // Committed, posted to the executor and not yet taken up there.
  std::atomic<size_t> fresh_bytes_{0};
  bool draining_ = false;
  absl::AnyInvocable<void()> drained_;
  EngineCounters counters_;
};

}  // namespace latchwire
