#include "server/delivery/webhook_table.h"

#include <utility>

#include "core/base/check.h"

namespace latchwire {

WebhookTable::WebhookTable(World world, Limits limits)
    : world_(world), limits_(limits), memory_(limits.ready_bytes) {}

WebhookEntry* WebhookTable::Find(WebhookKey key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.get();
}

WebhookEntry* WebhookTable::FindOrMake(WebhookKey key) {
  if (WebhookEntry* entry = Find(key)) return entry->webhook == nullptr ? nullptr : entry;
  std::shared_ptr<const Webhook> webhook = world_.configuration->FindWebhook(key);
  if (webhook == nullptr) return nullptr;
  // Until all work has been found, the store may hold deliveries that nobody has told of.
  auto queue =
      WebhookQueue::Make(IsOrdered(*webhook), limits_.ready_per_webhook, !world_.work->complete());
  const int64_t failures = world_.stats->StatsOf(key).consecutive_failures;
  auto entry = std::make_unique<WebhookEntry>(std::move(webhook), std::move(queue), failures);
  if (entry->breaker.state() != BreakerState::kClosed) ShowBreaker(*entry);
  return entries_.emplace(key, std::move(entry)).first->second.get();
}

WebhookEntry& WebhookTable::At(WebhookKey key) {
  WebhookEntry* entry = Find(key);
  LATCHWIRE_CHECK(entry != nullptr, "webhook ", key.uid, " of tenant ", key.tenant,
                  " has no entry");
  return *entry;
}

void WebhookTable::EraseIfDone(const WebhookEntry& entry) {
  if (entry.webhook != nullptr || entry.queue->taken_count() > 0 || entry.queue->loading()) return;
  LATCHWIRE_CHECK(entry.attempts.in_flight == 0 && entry.account.ready_bytes == 0 &&
                      entry.timer.time == absl::InfiniteFuture(),
                  "the entry of webhook ", entry.key.uid, " is still in use");
  entries_.erase(entry.key);
}

void WebhookTable::Account(WebhookEntry& entry) {
  WebhookEntry::Account& account = entry.account;
  memory_.Give(account.ready_bytes, entry.suspect);
  account.ready_bytes = entry.queue->ready_bytes();
  memory_.Take(account.ready_bytes, entry.suspect);
  world_.counters->ready_bytes.store(static_cast<int64_t>(memory_.used()),
                                     std::memory_order_relaxed);
  if (const int64_t displaced = entry.queue->displaced_count(); displaced != account.displaced) {
    Count(world_.counters->priority_displaced, displaced - account.displaced);
    account.displaced = displaced;
  }
  const bool healthy = MayAttempt(entry) && !entry.suspect &&
                       entry.breaker.state() == BreakerState::kClosed &&
                       entry.webhook->rate_limit.attempts_per_s <= 0;
  if (account.crowding.Update(entry.queue->ready_count(), limits_.ready_per_webhook, healthy)) {
    world_.stats->SetCrowded(entry.key, account.crowding.crowded());
  }
}

void WebhookTable::AccountRate(WebhookEntry& entry, bool waits) {
  if (waits && !entry.account.rate_waits) Count(world_.counters->rate_limited);
  entry.account.rate_waits = waits;
}

void WebhookTable::SetSuspect(WebhookEntry& entry, bool suspect) {
  if (entry.suspect == suspect) return;
  entry.suspect = suspect;
  memory_.Reclassify(entry.account.ready_bytes, suspect);
}

void WebhookTable::ShowBreaker(const WebhookEntry& entry) {
  BreakerStatus status;
  status.state = entry.breaker.state();
  status.since = world_.clock->Now();
  if (status.state == BreakerState::kOpen) {
    status.open_until = status.since + (entry.breaker.open_until() - world_.clock->Monotonic());
    Count(world_.counters->breakers_opened);
  }
  world_.stats->SetBreaker(entry.key, status);
}

}  // namespace latchwire
