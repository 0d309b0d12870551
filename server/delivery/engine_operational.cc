// How the engine suspends a webhook, and the events by which it tells of that and of the dead.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/id.h"
#include "core/domain/matching.h"
#include "core/domain/operational_event.h"
#include "server/delivery/engine.h"
#include "server/state/match_targets.h"

namespace latchwire {
namespace {

constexpr absl::Duration kSuspendRetry = absl::Seconds(1);
// After so many matches that were stale at the commit, the change is written without its event.
constexpr int kMaxSuspendTries = 20;

NewEvent Operational(Event event, std::string id) {
  NewEvent fresh;
  event.id = std::move(id);
  fresh.event = std::make_shared<Event>(std::move(event));
  // When the answer to a commit was lost, the same event is appended again.
  fresh.deduplicate = true;
  return fresh;
}

}  // namespace

bool Engine::MatchOperational(AppendEvents* append) const {
  MatchTargets(*world_.configuration, append);
  // What is said about others must never be refused because of them.
  append->max_stored_bytes = 0;
  for (NewEvent& event : append->events) {
    const bool suspension = event.event->type == kWebhookSuspendedType;
    std::erase_if(event.targets, [&](const DeliveryTarget& target) {
      if (!suspension) return false;
      // The suspended one cannot be told, and should not find it in its queue when it is resumed.
      const auto webhook = world_.configuration->FindWebhook({append->tenant, target.webhook_uid});
      return webhook == nullptr || event.event->subject == absl::StrCat("webhooks/", webhook->id);
    });
    for (DeliveryTarget& target : event.targets) {
      if (target.overflow == OverflowPolicy::kReject) {
        target.overflow = OverflowPolicy::kDropNewest;
      }
    }
  }
  std::erase_if(append->events, [](const NewEvent& event) { return event.targets.empty(); });
  return !append->events.empty();
}

std::vector<AppendEvents> Engine::EventsAboutDead(
    absl::Span<const OutcomeRecorder::Entry> entries) {
  const absl::Time now = world_.clock->Now();
  absl::btree_map<TenantId, AppendEvents> by_tenant;
  for (const OutcomeRecorder::Entry& entry : entries) {
    if (entry.operational_id.empty()) continue;
    const Event& event = *entry.delivery.event;
    if (IsOperationalType(event.type)) continue;
    const WebhookKey key = entry.outcome.key.webhook;
    const std::shared_ptr<const Webhook> webhook = world_.configuration->FindWebhook(key);
    if (webhook == nullptr) continue;  // deleted: its deliveries are gone with it
    by_tenant[key.tenant].events.push_back(Operational(
        DeliveryDeadEvent(*webhook, entry.delivery.delivery, event, now), entry.operational_id));
  }
  std::vector<AppendEvents> appends;
  for (auto& [tenant, append] : by_tenant) {
    append.tenant = tenant;
    append.now = now;
    if (MatchOperational(&append)) appends.push_back(std::move(append));
  }
  return appends;
}

void Engine::SuspendIfFailing(const WebhookStats& stats) {
  Entry* entry = FindEntry(stats.key);
  if (entry == nullptr || entry->webhook == nullptr || entry->suspending) return;
  const AutoSuspendPolicy& policy = entry->webhook->auto_suspend;
  if (!Delivers(entry->webhook->state) || policy.failure_count <= 0) return;
  if (stats.consecutive_failures < policy.failure_count) return;
  if (stats.last_failure_time - stats.failing_since < policy.failure_span) return;
  Suspend(stats.key, absl::StrCat(stats.consecutive_failures, " failed attempts in a row since ",
                                  absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", stats.failing_since,
                                                   absl::UTCTimeZone()),
                                  ": last failure ", stats.last_failure));
}

void Engine::Suspend(WebhookKey key, std::string reason, int tries) {
  Entry* entry = FindEntry(key);
  if (entry != nullptr) entry->suspending = false;
  const std::shared_ptr<const Webhook> current = world_.configuration->FindWebhook(key);
  if (current == nullptr || current->state != WebhookState::kActive) return;
  const absl::Time now = world_.clock->Now();
  UpdateWebhook update;
  update.webhook = *current;
  update.webhook.state = WebhookState::kSuspended;
  update.webhook.state_reason = reason;
  update.webhook.state_time = now;
  AppendEvents append;
  append.tenant = key.tenant;
  append.now = now;
  append.events.push_back(Operational(WebhookSuspendedEvent(*current, reason, now),
                                      Uuid::MakeV7(now, world_.random).ToString()));
  const bool told = MatchOperational(&append);
  if (told && tries < kMaxSuspendTries) {
    update.operational.push_back(std::move(append));
  } else if (told) {
    counters_.operational_events_lost.fetch_add(1, std::memory_order_relaxed);
  }
  if (entry != nullptr) entry->suspending = true;
  world_.writer->Submit(std::move(update), [this, key, reason, tries](Mutation done) {
    const absl::Status status = StatusOf(done);
    world_.executor->Post([this, key, reason, tries, status] {
      if (Entry* suspended = FindEntry(key)) suspended->suspending = false;
      if (status.ok()) {
        counters_.suspended_webhooks.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      // Somebody changed the webhook meanwhile, or the store cannot write: look again.
      const std::string why = ReasonOf(status);
      if (why == "WEBHOOK_NOT_FOUND" || why == "SHUTTING_DOWN") return;
      const bool at_once = why == "ETAG_MISMATCH" || why == "STALE_GENERATION";
      world_.executor->PostAfter(at_once ? absl::ZeroDuration() : kSuspendRetry,
                                 [this, key, reason, tries] { Suspend(key, reason, tries + 1); });
    });
  });
}

}  // namespace latchwire
