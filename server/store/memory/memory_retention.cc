#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

bool Tables::DeleteEvent(TenantId tenant_id, int64_t number, bool expire,
                         DeleteOldEvents::Result* result) {
  TenantRow& tenant = tenants.at(tenant_id);
  const auto event = events.find({tenant_id, number});
  if (event == events.end()) return true;
  std::vector<WebhookKey> pending;
  for (const int64_t uid : event->second.webhooks) {
    const DeliveryRow* row = std::as_const(*this).FindDelivery({{tenant_id, uid}, number});
    if (row != nullptr && row->delivery.state == DeliveryState::kPending) {
      pending.push_back({tenant_id, uid});
    }
  }
  if (!pending.empty() && !expire) return false;
  result->expired_deliveries += static_cast<int64_t>(pending.size());
  for (const WebhookKey& webhook : pending) {
    MoveTo(FindDelivery({webhook, number}), DeliveryState::kExpired);
    if (!absl::c_linear_search(result->webhooks, webhook)) result->webhooks.push_back(webhook);
  }
  for (const int64_t uid : event->second.webhooks) {
    const auto rows = deliveries.find({tenant_id, uid});
    if (rows != deliveries.end()) rows->second.erase(number);
  }
  tenant.tenant.stored_bytes -= StoredBytes(*event->second.event, event->second.webhooks.size());
  --tenant.tenant.stored_events;
  ++result->deleted_events;
  events.erase(event);
  return true;
}

Tables::Answer<DeleteOldEvents> Tables::Apply(const DeleteOldEvents& del) {
  const auto found = tenants.find(del.tenant);
  if (found == tenants.end()) return TenantNotFoundError(del.tenant);
  DeleteOldEvents::Result result;
  TenantRow& tenant = found->second;
  const int64_t before = MinuteOf(del.stored_before);
  const int64_t held_before = std::min(before, MinuteOf(del.held_before));
  const auto minute_of = [&](int64_t number) {
    const auto event = events.find({del.tenant, number});
    return event == events.end() ? INT64_MIN : event->second.minute;
  };
  const int limit = std::max(del.limit, 2);
  const auto at_limit = [&] { return result.deleted_events >= limit; };

  auto held = tenant.held_numbers.begin();
  while (held != tenant.held_numbers.end() && minute_of(*held) < before && !at_limit()) {
    const bool gone = DeleteEvent(del.tenant, *held, minute_of(*held) < held_before, &result);
    held = gone ? tenant.held_numbers.erase(held) : std::next(held);
  }
  auto event = events.lower_bound({del.tenant, tenant.clean_number});
  int left = std::max<int>(limit - static_cast<int>(result.deleted_events), 1);
  for (; left > 0; --left) {
    if (event == events.end() || event->first.first != del.tenant) break;
    if (event->second.minute >= before) break;
    const int64_t number = event->first.second;
    const bool expire = event->second.minute < held_before;
    ++event;
    if (!DeleteEvent(del.tenant, number, expire, &result)) tenant.held_numbers.insert(number);
    tenant.clean_number = number + 1;
  }
  result.more = left == 0 || at_limit();
  result.stats = CollectStats();
  result.held_events = static_cast<int64_t>(tenant.held_numbers.size());
  result.stored_bytes = tenant.tenant.stored_bytes;
  result.stored_events = tenant.tenant.stored_events;
  return result;
}

}  // namespace latchwire::memory
