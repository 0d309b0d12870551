#include "server/delivery/operational_events.h"

#include <memory>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "core/domain/operational_event.h"
#include "server/state/match_targets.h"

namespace latchwire {
namespace {

NewEvent Operational(Event event, std::string id) {
  NewEvent fresh;
  event.id = std::move(id);
  fresh.event = std::make_shared<Event>(std::move(event));
  // When the answer to a commit was lost, the same event is appended again.
  fresh.deduplicate = true;
  return fresh;
}

}  // namespace

std::string OperationalEvents::MakeId() const {
  return Uuid::MakeV7(clock_->Now(), random_).ToString();
}

std::vector<MatchedEvents> OperationalEvents::AboutDead(
    absl::Span<const OutcomeRecorder::Entry> entries) const {
  const absl::Time now = clock_->Now();
  absl::btree_map<TenantId, MatchedEvents> by_tenant;
  for (const OutcomeRecorder::Entry& entry : entries) {
    if (entry.operational_id.empty()) continue;
    const Event& event = *entry.delivery.event;
    if (IsOperationalType(event.type)) continue;
    const WebhookKey key = entry.outcome.key.webhook;
    const std::shared_ptr<const Webhook> webhook = configuration_->FindWebhook(key);
    if (webhook == nullptr) continue;  // deleted: its deliveries are gone with it
    by_tenant[key.tenant].events.push_back(Operational(
        DeliveryDeadEvent(*webhook, entry.delivery.delivery, event, now), entry.operational_id));
  }
  std::vector<MatchedEvents> appends;
  for (auto& [tenant, append] : by_tenant) {
    append.tenant = tenant;
    append.now = now;
    if (Match(append)) appends.push_back(std::move(append));
  }
  return appends;
}

std::optional<MatchedEvents> OperationalEvents::AboutSuspension(const Webhook& webhook,
                                                                absl::string_view reason,
                                                                absl::Time now) const {
  MatchedEvents append;
  append.tenant = webhook.key.tenant;
  append.now = now;
  append.events.push_back(
      Operational(WebhookSuspendedEvent(webhook, std::string(reason), now), MakeId()));
  if (!Match(append)) return std::nullopt;
  return append;
}

bool OperationalEvents::Match(MatchedEvents& append) const {
  MatchTargets(*configuration_, &append);
  append.max_stored_bytes = 0;
  for (NewEvent& event : append.events) {
    const bool suspension = event.event->type == kWebhookSuspendedType;
    std::erase_if(event.targets, [&](const DeliveryTarget& target) {
      if (!suspension) return false;
      // The suspended one should not find it in its queue when it is resumed.
      const auto webhook = configuration_->FindWebhook({append.tenant, target.webhook_uid});
      return webhook == nullptr || event.event->subject == absl::StrCat("webhooks/", webhook->id);
    });
    for (DeliveryTarget& target : event.targets) {
      if (target.overflow == OverflowPolicy::kReject) {
        target.overflow = OverflowPolicy::kDropNewest;
      }
    }
  }
  std::erase_if(append.events, [](const NewEvent& event) { return event.targets.empty(); });
  return !append.events.empty();
}

}  // namespace latchwire
