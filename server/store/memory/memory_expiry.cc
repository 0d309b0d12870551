#include <algorithm>
#include <tuple>

#include "absl/algorithm/container.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

Tables::Answer<ExpireDeliveries> Tables::Apply(const ExpireDeliveries& expire) {
  std::vector<DeliveryRow*> expired;
  for (auto& [webhook, rows] : deliveries) {
    if (!webhooks.contains(webhook)) continue;
    for (auto& [number, row] : rows) {
      const Delivery& delivery = row.delivery;
      if (delivery.state == DeliveryState::kPending &&
          delivery.expire_time <= ToStoredTime(expire.now)) {
        expired.push_back(&row);
      }
    }
  }
  absl::c_stable_sort(expired, [](const DeliveryRow* a, const DeliveryRow* b) {
    return a->delivery.expire_time < b->delivery.expire_time;
  });
  const size_t limit = static_cast<size_t>(std::max(expire.limit, 1));
  ExpireDeliveries::Result result;
  result.more = expired.size() > limit;
  if (result.more) expired.resize(limit);
  result.expired_deliveries = static_cast<int64_t>(expired.size());
  for (DeliveryRow* row : expired) {
    const WebhookKey webhook = row->delivery.key.webhook;
    if (!absl::c_linear_search(result.webhooks, webhook)) result.webhooks.push_back(webhook);
    MoveTo(row, DeliveryState::kExpired);
  }
  result.stats = CollectStats();
  return result;
}

}  // namespace latchwire::memory
