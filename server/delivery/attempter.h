// Attempts deliveries: starts as many as may be in flight, judges the answers, and has the outcomes
// recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/random.h"
#include "core/net/transport.h"
#include "server/delivery/attempt_line.h"
#include "server/delivery/engine_counters.h"
#include "server/delivery/lease_keeper.h"
#include "server/delivery/operational_events.h"
#include "server/delivery/outcome_recorder.h"
#include "server/delivery/scheduler.h"
#include "server/delivery/suspender.h"
#include "server/delivery/webhook_table.h"
#include "server/state/writer.h"

namespace latchwire {

// All methods run on the executor's thread, except where they say otherwise. Outlives the
// executor's, the writer's and the transport's last task.
class Attempter {
 public:
  struct World {
    Executor* executor;
    const Clock* clock;
    Random* random;
    Writer* writer;
    Transport* transport;
    const LeaseKeeper* leases;
    WebhookTable* webhooks;
    const OperationalEvents* events;
    Suspender* suspender;
    Scheduler* scheduler;
    EngineCounters* counters;
  };
  // Limits over all webhooks; beyond either nothing new is sent.
  struct Limits {
    size_t in_flight;   // by fair shares
    size_t unrecorded;  // attempts in flight, and those whose outcome is not committed yet
  };
  // Called when outcomes were refused because another server owns (some of) their webhooks.
  using Fenced = absl::AnyInvocable<void()>;

  Attempter(World world, Limits limits, Fenced fenced);

  // The webhook has a delivery that may be attempted: puts it in line, unless it is in line already
  // or has as many attempts in flight as it may.
  void Enter(WebhookEntry& entry);
  // Starts attempts of the webhooks in line, each in its turn; expired deliveries are recorded as
  // expired instead.
  void StartAttempts();
  // The user has changed the webhook: whatever made its attempts fail may be fixed, so its failures
  // are reset.
  void Forgive(WebhookEntry& entry);
  // Whether nothing is in flight and every outcome is recorded.
  bool idle() const { return line_.in_flight() == 0 && recorder_.unrecorded_count() == 0; }

  // Makes one attempt of the format's test event, now, whatever the webhook's state; records
  // nothing. Any thread; `done` runs on the executor.
  void SendTest(const Webhook& webhook, absl::AnyInvocable<void(HttpResult)> done) const;

 private:
  // An attempt in flight.
  struct Flight {
    PendingDelivery delivery;
    absl::Time start_time;
    int64_t fence = 0;
    CircuitBreaker::Ticket ticket;
  };

  bool MayStartOne() const;
  void StartAttempt(WebhookEntry& entry, PendingDelivery delivery);
  void OnAnswer(Flight flight, HttpResult result);
  void OnNotSent(WebhookEntry& entry, const Flight& flight);
  // What an attempt says about the receiver.
  void OnVerdict(WebhookEntry& entry, const CircuitBreaker::Ticket& ticket, bool success);
  void SetSuspect(WebhookEntry& entry, bool suspect);
  void Expire(WebhookEntry& entry, PendingDelivery delivery, absl::Time now);
  void Record(PendingDelivery delivery, Attempt attempt, int64_t fence);
  void OnRecorded(std::vector<OutcomeRecorder::Entry> entries,
                  absl::Span<const WebhookStats> stats);
  void OnFenced(std::vector<OutcomeRecorder::Entry> entries);
  void CountOutcome(DeliveryState state);
  void ShowInFlight();

  const World world_;
  const Limits limits_;
  Fenced fenced_;
  AttemptLine line_;
  OutcomeRecorder recorder_;
};

}  // namespace latchwire
