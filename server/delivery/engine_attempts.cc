// How the engine attempts deliveries and what becomes of the answers.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/crash_point.h"
#include "core/base/id.h"
#include "server/delivery/engine.h"

namespace latchwire {
namespace {

constexpr int kHttpGone = 410;
// The transport refused for its own reasons, or is stopping: not an attempt.
constexpr absl::Duration kNotSentRetry = absl::Seconds(1);
// After each answer.
constexpr size_t kUnblockedTurns = 4;

HttpRequest MakeRequest(const Event& event, const Webhook& webhook, const FormatContext& context) {
  FormattedRequest formatted = GetFormat(webhook.format)->Render(event, webhook, context);
  HttpRequest request;
  request.method = std::move(formatted.method);
  request.url = std::move(formatted.url);
  request.headers.reserve(formatted.headers.size());
  for (auto& [name, value] : formatted.headers) {
    request.headers.push_back({std::move(name), std::move(value)});
  }
  request.body = std::move(formatted.body);
  request.timeout = webhook.timeout;
  request.response_body_limit = kKeptResponseBytes;
  if (webhook.tls != nullptr) {
    request.tls = std::make_shared<const TlsProfile>(TlsProfile{
        webhook.tls->ca_certificates, webhook.tls->client_certificate, webhook.tls->client_key});
  }
  return request;
}

}  // namespace

// An attempt that is under way.
struct Engine::Flight {
  PendingDelivery delivery;
  absl::Time start_time;
  int64_t fence = 0;
  CircuitBreaker::Ticket ticket;
};

void Engine::Dispatch() {
  if (draining_) return OnDrainStep();
  while (!runnable_.empty() && in_flight_share_.used() < options_.max_in_flight &&
         in_flight_share_.used() + recorder_.unrecorded_count() < options_.max_unrecorded) {
    const WebhookKey key = runnable_.front();
    runnable_.pop_front();
    Entry* entry = FindEntry(key);
    if (entry == nullptr) continue;
    if (!MayStart(*entry)) {
      entry->runnable = false;
      Touch(key, *entry);
      continue;
    }
    if (!in_flight_share_.MayTake(entry->in_flight, entry->suspect)) {
      blocked_.push_back(key);
      continue;
    }
    entry->runnable = false;
    const absl::Time now = world_.clock->Now();
    PendingDelivery delivery = entry->queue->Take(now);
    if (delivery.delivery.expire_time <= now) {
      Expire(key, std::move(delivery), now);
    } else {
      StartAttempt(key, *entry, std::move(delivery));
    }
    Touch(key, *entry);  // at the end of the line: every webhook gets its turn
  }
  StartLoads();
}

void Engine::Unblock() {
  // One answer makes room for one or a few; with none under way nobody else would come by here.
  const size_t turns =
      in_flight_share_.used() == 0 ? blocked_.size() : std::min(blocked_.size(), kUnblockedTurns);
  for (size_t i = 0; i < turns; ++i) {
    runnable_.push_back(blocked_.front());
    blocked_.pop_front();
  }
}

void Engine::StartAttempt(WebhookKey key, Entry& entry, PendingDelivery delivery) {
  in_flight_share_.Take(1, entry.suspect);
  ++entry.in_flight;
  entry.rate.Take(entry.webhook->rate_limit, world_.clock->Monotonic());
  const CircuitBreaker::Ticket ticket = entry.breaker.Start();
  if (ticket.probe) counters_.breaker_probes.fetch_add(1, std::memory_order_relaxed);
  counters_.attempts.fetch_add(1, std::memory_order_relaxed);
  counters_.in_flight.store(static_cast<int64_t>(in_flight_share_.used()),
                            std::memory_order_relaxed);
  const FormatContext context{world_.clock->Now(), delivery.delivery.attempt_count + 1};
  HttpRequest request = MakeRequest(*delivery.event, *entry.webhook, context);
  Flight flight{std::move(delivery), context.attempt_time, fences_[PartitionOf(key)], ticket};
  world_.transport->Send(std::move(request),
                         [this, flight = std::move(flight)](HttpResult result) mutable {
                           OnAnswer(std::move(flight), std::move(result));
                         });
}

void Engine::OnVerdict(WebhookKey key, Entry& entry, const CircuitBreaker::Ticket& ticket,
                       bool success) {
  SetSuspect(entry, !success);
  static const CircuitBreakerPolicy* const kNone = new CircuitBreakerPolicy{0, {}, {}};
  const CircuitBreakerPolicy& policy =
      entry.webhook == nullptr ? *kNone : entry.webhook->circuit_breaker;
  const bool changed = success ? entry.breaker.Succeed()
                               : entry.breaker.Fail(ticket, policy, world_.clock->Monotonic());
  if (!changed) return;
  PublishBreaker(key, entry);
  if (!KeepsReady(entry)) entry.queue->DropReady();
}

void Engine::OnAnswer(Flight flight, HttpResult result) {
  PendingDelivery& delivery = flight.delivery;
  const WebhookKey key = delivery.delivery.key.webhook;
  Entry& entry = *entries_.at(key);  // stays while anything of it is taken
  in_flight_share_.Give(1, entry.suspect);
  --entry.in_flight;
  counters_.in_flight.store(static_cast<int64_t>(in_flight_share_.used()),
                            std::memory_order_relaxed);
  Unblock();
  if (result.error == TransportError::kOverloaded || result.error == TransportError::kShutdown) {
    entry.breaker.Cancel(flight.ticket);
    entry.queue->Forget(delivery.delivery, world_.clock->Now() + kNotSentRetry);
    Touch(key, entry);
    return Dispatch();
  }
  CrashPoint("server-after-send-before-record");
  entry.crowding.OnAnswer(result.duration);
  if (delivery.commit_time != absl::InfiniteDuration()) {
    counters_.commit_to_answer.Record(world_.clock->Monotonic() - delivery.commit_time);
    delivery.commit_time = absl::InfiniteDuration();  // a retry from memory is another matter
  }

  latchwire::Attempt attempt;
  attempt.number = delivery.delivery.attempt_count + 1;
  attempt.start_time = flight.start_time;
  attempt.duration = result.duration;
  if (result.error == TransportError::kNone) {
    attempt.http_status = result.http_status;
  } else {
    attempt.error = std::string(TransportErrorName(result.error));
    attempt.error_detail = std::move(result.detail);
  }
  attempt.response_body = std::move(result.body);

  const absl::Time now = world_.clock->Now();
  const absl::Duration retry_after = ParseRetryAfter(result.retry_after, now);
  const double jitter = world_.random->NextUnit();
  // A webhook deleted meanwhile has no policy any more, and its outcome is recorded nowhere.
  const Outcome outcome =
      entry.webhook == nullptr
          ? Judge(attempt, delivery.delivery, RetryPolicy(), retry_after, jitter, now)
          : Judge(attempt, delivery.delivery, *entry.webhook, retry_after, jitter, now);
  delivery.delivery.state = outcome.state;
  delivery.delivery.due_time = outcome.due_time;
  delivery.delivery.attempt_count = attempt.number;
  if (outcome.state != DeliveryState::kSucceeded) ++delivery.delivery.failure_count;
  delivery.delivery.last_http_status = attempt.http_status;
  delivery.delivery.last_error = attempt.error;
  OnVerdict(key, entry, flight.ticket, outcome.state == DeliveryState::kSucceeded);
  if (outcome.suspend_webhook) {
    Suspend(key, absl::StrCat("receiver answered ", kHttpGone, " Gone"));
  }
  Record(std::move(delivery), attempt, flight.fence);
  Touch(key, entry);
  Dispatch();
}

void Engine::Expire(WebhookKey key, PendingDelivery delivery, absl::Time now) {
  delivery.delivery.state = DeliveryState::kExpired;
  delivery.delivery.due_time = now;
  Record(std::move(delivery), latchwire::Attempt{}, fences_[PartitionOf(key)]);
}

void Engine::Record(PendingDelivery delivery, const latchwire::Attempt& attempt, int64_t fence) {
  DeliveryOutcome outcome;
  outcome.key = delivery.delivery.key;
  outcome.state = delivery.delivery.state;
  outcome.due_time = delivery.delivery.due_time;
  outcome.failure_count = delivery.delivery.failure_count;
  outcome.attempt = attempt;
  outcome.fence = fence;
  std::string operational_id;
  if (outcome.state == DeliveryState::kDead) {
    operational_id = Uuid::MakeV7(world_.clock->Now(), world_.random).ToString();
  }
  recorder_.Add({std::move(outcome), std::move(delivery), std::move(operational_id)});
}

void Engine::OnRecorded(std::vector<OutcomeRecorder::Entry> entries,
                        absl::Span<const WebhookStats> stats) {
  for (OutcomeRecorder::Entry& recorded : entries) {
    const WebhookKey key = recorded.outcome.key.webhook;
    Entry& entry = *entries_.at(key);
    if (recorded.outcome.result == DeliveryOutcome::Result::kGone) {
      recorded.delivery.delivery.state = DeliveryState::kDead;  // nothing is left to attempt
    } else {
      switch (recorded.outcome.state) {
        case DeliveryState::kPending:
          counters_.retried.fetch_add(1, std::memory_order_relaxed);
          break;
        case DeliveryState::kSucceeded:
          counters_.succeeded.fetch_add(1, std::memory_order_relaxed);
          break;
        case DeliveryState::kDead:
          counters_.dead.fetch_add(1, std::memory_order_relaxed);
          break;
        case DeliveryState::kDropped:
          break;
        case DeliveryState::kExpired:
          counters_.expired.fetch_add(1, std::memory_order_relaxed);
          break;
      }
    }
    entry.queue->Settle(std::move(recorded.delivery));
    // Memory of a webhook that may not be attempted (paused meanwhile) goes back to the store.
    if (!KeepsReady(entry)) entry.queue->DropReady();
    Touch(key, entry);
    EraseIfDone(key, entry);
  }
  for (const WebhookStats& of_webhook : stats) SuspendIfFailing(of_webhook);
  Dispatch();
}

void Engine::OnFenced(std::vector<OutcomeRecorder::Entry> entries) {
  counters_.fenced.fetch_add(static_cast<int64_t>(entries.size()), std::memory_order_relaxed);
  const absl::Time retry = world_.clock->Now() + kNotSentRetry;
  for (const OutcomeRecorder::Entry& fenced : entries) {
    const WebhookKey key = fenced.outcome.key.webhook;
    Entry& entry = *entries_.at(key);
    entry.queue->Forget(fenced.delivery.delivery, retry);
    Touch(key, entry);
  }
  if (!draining_) RenewLeases();  // and learn what is still ours
  Dispatch();
}

void Engine::SendTest(std::shared_ptr<const Webhook> webhook,
                      absl::AnyInvocable<void(HttpResult)> done) {
  const absl::Time now = world_.clock->Now();
  Event event = GetFormat(webhook->format)->TestEvent(*webhook);
  // Formats have no randomness; receivers deduplicate by the message id, so each test needs its
  // own.
  if (event.id.empty()) event.id = Uuid::MakeV7(now, world_.random).ToString();
  world_.transport->Send(MakeRequest(event, *webhook, {now, 1}), std::move(done));
}

}  // namespace latchwire
