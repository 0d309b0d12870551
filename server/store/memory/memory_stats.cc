// Counters of webhooks.
#include "server/store/driver/delivery_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

WebhookStats& Tables::Touch(WebhookKey key) {
  touched_.insert(key);
  WebhookStats& of_webhook = stats[key];
  of_webhook.key = key;
  return of_webhook;
}

void Tables::Moved(const DeliveryRow& row, DeliveryState from) {
  CountMove(from, row.delivery.state, &Touch(row.delivery.key.webhook));
  LeaveWork(row.delivery.key.webhook);
}

void Tables::LeaveWork(WebhookKey webhook) {
  const int partition = PartitionOf(webhook);
  if (held_leases->Holds(partition, leases[partition].fence)) return;
  work_changes[webhook] = ++last_change;
}

void Tables::MoveTo(DeliveryRow* row, DeliveryState state) {
  const DeliveryState from = row->delivery.state;
  row->delivery.state = state;
  if (state != DeliveryState::kPending) row->delivery.due_time = absl::Time();
  Moved(*row, from);
}

void Tables::MakePendingAgain(DeliveryRow* row, absl::Time now) {
  const DeliveryState from = row->delivery.state;
  latchwire::MakePendingAgain(now, &row->delivery);
  Moved(*row, from);
}

std::vector<WebhookStats> Tables::CollectStats() {
  std::vector<WebhookStats> collected;
  for (const WebhookKey& key : touched_) collected.push_back(stats.at(key));
  touched_.clear();
  return collected;
}

}  // namespace latchwire::memory
