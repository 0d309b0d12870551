#include "server/state/match_targets.h"

#include <algorithm>
#include <vector>

#include "core/formats/format.h"

namespace latchwire {

absl::Time ExpiryOf(const Event& event, const Webhook& webhook, absl::Time now) {
  if (webhook.max_event_age == absl::InfiniteDuration()) return event.expire_time;
  return std::min(event.expire_time, TrustedReceiveTime(event, now) + webhook.max_event_age);
}

void MatchTargets(const Configuration& configuration, MatchedEvents* append) {
  std::vector<std::shared_ptr<Event>> events;
  events.reserve(append->events.size());
  for (const NewEvent& event : append->events) events.push_back(event.event);
  const Configuration::Matched matched = configuration.Match(append->tenant, events);
  append->generation = matched.generation;
  append->max_stored_bytes = matched.max_stored_bytes;
  for (size_t i = 0; i < events.size(); ++i) {
    std::vector<DeliveryTarget>& targets = append->events[i].targets;
    targets.clear();
    targets.reserve(matched.webhooks[i].size());
    for (const std::shared_ptr<const Webhook>& webhook : matched.webhooks[i]) {
      if (!GetFormat(webhook->format)->Accepts(*webhook, *events[i])) continue;
      DeliveryTarget& target = targets.emplace_back();
      target.webhook_uid = webhook->key.uid;
      target.expire_time = ExpiryOf(*events[i], *webhook, append->now);
      target.max_pending = webhook->max_pending;
      target.overflow = webhook->overflow;
      if (IsOrdered(*webhook)) {
        target.order_key = OrderKeyOf(*webhook, events[i]->source, events[i]->subject);
      }
    }
  }
}

}  // namespace latchwire
