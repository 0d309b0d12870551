#include "server/delivery/attempter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/crash_point.h"
#include "core/base/id.h"
#include "core/delivery/attempt.h"
#include "core/formats/format.h"

namespace latchwire {
namespace {

constexpr int kHttpGone = 410;
// For deliveries that were not attempted after all, or whose outcome is another server's to know.
constexpr absl::Duration kForgottenRetry = absl::Seconds(1);

}  // namespace

Attempter::Attempter(World world, Limits limits, Fenced fenced)
    : world_(world),
      limits_(limits),
      fenced_(std::move(fenced)),
      line_(limits.in_flight),
      recorder_(
          world.executor, world.writer, world.random,
          {[this](std::vector<OutcomeRecorder::Entry> entries,
                  absl::Span<const WebhookStats> stats) { OnRecorded(std::move(entries), stats); },
           [this](std::vector<OutcomeRecorder::Entry> entries) { OnFenced(std::move(entries)); },
           [this](absl::Span<const OutcomeRecorder::Entry> entries) {
             return world_.events->AboutDead(entries);
           },
           [this](size_t count) {
             Count(world_.counters->operational_events_lost, static_cast<int64_t>(count));
           }}) {}

void Attempter::Enter(WebhookEntry& entry) {
  if (entry.attempts.in_flight < entry.MaxInFlight()) line_.Enter(entry.key, entry.attempts);
}

bool Attempter::MayStartOne() const {
  return line_.in_flight() + recorder_.unrecorded_count() < limits_.unrecorded;
}

void Attempter::StartAttempts() {
  while (MayStartOne()) {
    const std::optional<WebhookKey> key = line_.Next();
    if (!key.has_value()) return;
    WebhookEntry* entry = world_.webhooks->Find(*key);
    if (entry == nullptr) continue;  // deleted since
    if (!world_.webhooks->MayAttempt(*entry) || !entry->CanStart(*world_.clock)) {
      line_.Leave(entry->attempts);
      world_.scheduler->Reschedule(*entry);
      continue;
    }
    if (!line_.MayStart(entry->attempts, entry->suspect)) {
      line_.Block(*key, entry->attempts);
      continue;
    }
    line_.Leave(entry->attempts);
    const absl::Time now = world_.clock->Now();
    PendingDelivery delivery = entry->queue->Take(now);
    if (delivery.delivery.expire_time <= now) {
      Expire(*entry, std::move(delivery), now);
    } else {
      StartAttempt(*entry, std::move(delivery));
    }
    world_.scheduler->Reschedule(*entry);  // at the end of the line: every webhook gets its turn
  }
}

void Attempter::ShowInFlight() {
  world_.counters->in_flight.store(static_cast<int64_t>(line_.in_flight()),
                                   std::memory_order_relaxed);
}

void Attempter::StartAttempt(WebhookEntry& entry, PendingDelivery delivery) {
  line_.Start(entry.attempts, entry.suspect);
  ShowInFlight();
  entry.rate.Take(entry.webhook->rate_limit, world_.clock->Monotonic());
  const CircuitBreaker::Ticket ticket = entry.breaker.Start();
  if (ticket.probe) Count(world_.counters->breaker_probes);
  Count(world_.counters->attempts);
  const absl::Time now = world_.clock->Now();
  const FormatContext context{now, delivery.delivery.attempt_count + 1,
                              now - TrustedReceiveTime(*delivery.event, now), world_.random};
  HttpRequest request = BuildRequest(*delivery.event, *entry.webhook, context);
  Flight flight{std::move(delivery), context.attempt_time, world_.leases->FenceOf(entry.key),
                ticket};
  world_.transport->Send(std::move(request),
                         [this, flight = std::move(flight)](HttpResult result) mutable {
                           OnAnswer(std::move(flight), std::move(result));
                         });
}

void Attempter::OnAnswer(Flight flight, HttpResult result) {
  PendingDelivery& delivery = flight.delivery;
  WebhookEntry& entry = world_.webhooks->At(delivery.delivery.key.webhook);
  line_.End(entry.attempts, entry.suspect);
  line_.Unblock();
  ShowInFlight();
  if (!WasAttempted(result)) return OnNotSent(entry, flight);
  CrashPoint("server-after-send-before-record");
  entry.account.crowding.OnAnswer(result.duration);
  if (delivery.commit_time != absl::InfiniteDuration()) {
    world_.counters->commit_to_answer.Record(world_.clock->Monotonic() - delivery.commit_time);
    delivery.commit_time = absl::InfiniteDuration();  // a retry from memory is another matter
  }

  const std::string retry_after = std::move(result.retry_after);
  Attempt attempt =
      MakeAttempt(delivery.delivery.attempt_count + 1, flight.start_time, std::move(result));
  const Outcome outcome =
      ApplyAttempt(attempt, retry_after, entry.webhook.get(), world_.random->NextUnit(),
                   world_.clock->Now(), delivery.delivery);
  OnVerdict(entry, flight.ticket, outcome.state == DeliveryState::kSucceeded);
  if (outcome.suspend_webhook) {
    world_.suspender->Suspend(entry.key, absl::StrCat("receiver answered ", kHttpGone, " Gone"));
  }
  Record(std::move(delivery), std::move(attempt), flight.fence);
  world_.scheduler->Reschedule(entry);
  world_.scheduler->Dispatch();
}

void Attempter::OnNotSent(WebhookEntry& entry, const Flight& flight) {
  entry.breaker.Cancel(flight.ticket);
  entry.queue->Forget(flight.delivery.delivery, world_.clock->Now() + kForgottenRetry);
  world_.scheduler->Reschedule(entry);
  world_.webhooks->EraseIfDone(entry);
  world_.scheduler->Dispatch();
}

void Attempter::OnVerdict(WebhookEntry& entry, const CircuitBreaker::Ticket& ticket, bool success) {
  SetSuspect(entry, !success);
  static const CircuitBreakerPolicy kNoBreaker{0, {}, {}};
  const CircuitBreakerPolicy& policy =
      entry.webhook == nullptr ? kNoBreaker : entry.webhook->circuit_breaker;
  const bool changed = success ? entry.breaker.Succeed()
                               : entry.breaker.Fail(ticket, policy, world_.clock->Monotonic());
  if (!changed) return;
  world_.webhooks->ShowBreaker(entry);
  world_.webhooks->DropReadyUnlessKept(entry);
}

void Attempter::Forgive(WebhookEntry& entry) {
  if (entry.breaker.Close()) world_.webhooks->ShowBreaker(entry);
  SetSuspect(entry, false);
}

void Attempter::SetSuspect(WebhookEntry& entry, bool suspect) {
  if (entry.suspect == suspect) return;
  line_.Reclassify(entry.attempts, suspect);
  world_.webhooks->SetSuspect(entry, suspect);
}

void Attempter::Expire(WebhookEntry& entry, PendingDelivery delivery, absl::Time now) {
  delivery.delivery.state = DeliveryState::kExpired;
  delivery.delivery.due_time = now;
  Record(std::move(delivery), Attempt{}, world_.leases->FenceOf(entry.key));
}

void Attempter::Record(PendingDelivery delivery, Attempt attempt, int64_t fence) {
  DeliveryOutcome outcome;
  outcome.key = delivery.delivery.key;
  outcome.state = delivery.delivery.state;
  outcome.due_time = delivery.delivery.due_time;
  outcome.failure_count = delivery.delivery.failure_count;
  outcome.attempt = std::move(attempt);
  outcome.fence = fence;
  std::string operational_id;
  if (outcome.state == DeliveryState::kDead) operational_id = world_.events->MakeId();
  recorder_.Add({std::move(outcome), std::move(delivery), std::move(operational_id)});
}

void Attempter::OnRecorded(std::vector<OutcomeRecorder::Entry> entries,
                           absl::Span<const WebhookStats> stats) {
  for (OutcomeRecorder::Entry& recorded : entries) {
    WebhookEntry& entry = world_.webhooks->At(recorded.outcome.key.webhook);
    if (recorded.recorded == RecordOutcomes::Recorded::kGone) {
      recorded.delivery.delivery.state = DeliveryState::kDead;  // nothing is left to attempt
    } else {
      CountOutcome(recorded.outcome.state);
    }
    entry.queue->Settle(std::move(recorded.delivery));
    // A webhook that may no longer be attempted (it was paused) gives its deliveries back to the
    // store.
    world_.webhooks->DropReadyUnlessKept(entry);
    world_.scheduler->Reschedule(entry);
    world_.webhooks->EraseIfDone(entry);
  }
  for (const WebhookStats& of_webhook : stats) {
    const WebhookEntry* entry = world_.webhooks->Find(of_webhook.key);
    if (entry != nullptr && entry->webhook != nullptr) {
      world_.suspender->SuspendIfFailing(*entry->webhook, of_webhook);
    }
  }
  world_.scheduler->Dispatch();
}

void Attempter::CountOutcome(DeliveryState state) {
  switch (state) {
    case DeliveryState::kPending:
      return Count(world_.counters->retried);
    case DeliveryState::kSucceeded:
      return Count(world_.counters->succeeded);
    case DeliveryState::kDead:
      return Count(world_.counters->dead);
    case DeliveryState::kExpired:
      return Count(world_.counters->expired);
    case DeliveryState::kDropped:
      break;  // no attempt ends so
  }
}

void Attempter::OnFenced(std::vector<OutcomeRecorder::Entry> entries) {
  Count(world_.counters->fenced, static_cast<int64_t>(entries.size()));
  const absl::Time retry = world_.clock->Now() + kForgottenRetry;
  for (const OutcomeRecorder::Entry& fenced : entries) {
    WebhookEntry& entry = world_.webhooks->At(fenced.outcome.key.webhook);
    entry.queue->Forget(fenced.delivery.delivery, retry);
    world_.scheduler->Reschedule(entry);
    world_.webhooks->EraseIfDone(entry);
  }
  fenced_();
  world_.scheduler->Dispatch();
}

void Attempter::SendTest(const Webhook& webhook, absl::AnyInvocable<void(HttpResult)> done) const {
  const absl::Time now = world_.clock->Now();
  Event event = GetFormat(webhook.format)->TestEvent(webhook);
  // Receivers deduplicate by the message id, so each test needs its own.
  if (event.id.empty()) event.id = Uuid::MakeV7(now, world_.random).ToString();
  world_.transport->Send(
      BuildRequest(event, webhook, {now, 1, absl::ZeroDuration(), world_.random}), std::move(done));
}

}  // namespace latchwire
