// How the engine attempts deliveries and what becomes of the answers.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/crash_point.h"
#include "core/base/id.h"
#include "core/domain/error.h"
#include "server/delivery/engine.h"

namespace latchwire {
namespace {

constexpr int kHttpGone = 410;
// The transport refused for its own reasons, or is stopping: not an attempt.
constexpr absl::Duration kNotSentRetry = absl::Seconds(1);

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
  return request;
}

}  // namespace

void Engine::Dispatch() {
  if (draining_) return OnDrainStep();
  absl::Time now = absl::InfinitePast();
  while (!runnable_.empty() && in_flight_ < options_.max_in_flight &&
         in_flight_ + recorder_.unrecorded_count() < options_.max_unrecorded) {
    const WebhookKey key = runnable_.front();
    runnable_.pop_front();
    Entry* entry = FindEntry(key);
    if (entry == nullptr) continue;
    entry->runnable = false;
    if (now == absl::InfinitePast()) now = world_.clock->Now();
    if (!MayAttempt(*entry) || entry->queue->NextReady() > now ||
        entry->in_flight >= static_cast<size_t>(entry->webhook->max_in_flight)) {
      continue;
    }
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

void Engine::StartAttempt(WebhookKey key, Entry& entry, PendingDelivery delivery) {
  ++in_flight_;
  ++entry.in_flight;
  counters_.attempts.fetch_add(1, std::memory_order_relaxed);
  counters_.in_flight.store(static_cast<int64_t>(in_flight_), std::memory_order_relaxed);
  const FormatContext context{world_.clock->Now(), delivery.delivery.attempt_count + 1};
  HttpRequest request = MakeRequest(*delivery.event, *entry.webhook, context);
  world_.transport->Send(
      std::move(request),
      [this, start_time = context.attempt_time, fence = fences_[PartitionOf(key)],
       delivery = std::move(delivery)](HttpResult result) mutable {
        OnAnswer(std::move(delivery), start_time, fence, std::move(result));
      });
}

void Engine::OnAnswer(PendingDelivery delivery, absl::Time start_time, int64_t fence,
                      HttpResult result) {
  const WebhookKey key = delivery.delivery.key.webhook;
  --in_flight_;
  counters_.in_flight.store(static_cast<int64_t>(in_flight_), std::memory_order_relaxed);
  Entry& entry = *entries_.at(key);  // stays while anything of it is taken
  --entry.in_flight;
  if (result.error == TransportError::kOverloaded || result.error == TransportError::kShutdown) {
    entry.queue->Forget(delivery.delivery, world_.clock->Now() + kNotSentRetry);
    Touch(key, entry);
    return Dispatch();
  }
  CrashPoint("server-after-send-before-record");
  if (delivery.commit_time != absl::InfiniteDuration()) {
    counters_.commit_to_answer.Record(world_.clock->Monotonic() - delivery.commit_time);
    delivery.commit_time = absl::InfiniteDuration();  // a retry from memory is another matter
  }

  latchwire::Attempt attempt;
  attempt.number = delivery.delivery.attempt_count + 1;
  attempt.start_time = start_time;
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
  if (outcome.suspend_webhook) {
    Suspend(key, absl::StrCat("receiver answered ", kHttpGone, " Gone"));
  }
  Record(std::move(delivery), attempt, fence);
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
  recorder_.Add({std::move(outcome), std::move(delivery)});
}

void Engine::OnRecorded(std::vector<OutcomeRecorder::Entry> entries) {
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
    if (!MayAttempt(entry)) entry.queue->DropReady();
    Touch(key, entry);
    if (entry.webhook == nullptr && entry.queue->taken_count() == 0 && !entry.queue->loading()) {
      entries_.erase(key);
    }
  }
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

void Engine::Suspend(WebhookKey key, std::string reason) {
  const std::shared_ptr<const Webhook> current = world_.catalog->FindWebhook(key);
  if (current == nullptr || current->state != WebhookState::kActive) return;
  UpdateWebhook update;
  update.webhook = *current;
  update.webhook.state = WebhookState::kSuspended;
  update.webhook.state_reason = reason;
  update.webhook.state_time = world_.clock->Now();
  world_.writer->Submit(std::move(update), [this, key, reason](Mutation done) {
    // Somebody changed the webhook meanwhile, or the store cannot write: look again.
    const std::string why = ReasonOf(StatusOf(done));
    if (StatusOf(done).ok() || why == "WEBHOOK_NOT_FOUND" || why == "SHUTTING_DOWN") return;
    const absl::Duration delay = why == "ETAG_MISMATCH" ? absl::ZeroDuration() : kNotSentRetry;
    world_.executor->PostAfter(delay, [this, key, reason] { Suspend(key, reason); });
  });
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
