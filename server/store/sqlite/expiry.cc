#include <utility>
#include <vector>

#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kExpireDelivery[] =
    "UPDATE delivery SET state = 3, due = NULL WHERE webhook = ?1 AND number = ?2";

}  // namespace

absl::Status Transaction::Apply(const ExpireDeliveries& expire, Answer<ExpireDeliveries>& answer) {
  const size_t limit = static_cast<size_t>(std::max(expire.limit, 1));
  std::vector<std::pair<int64_t, int64_t>> expired;  // webhook, number
  {
    Query query = connection_.Use(kExpired);
    query.Int(PackTime(expire.now)).Int(static_cast<int64_t>(limit) + 1);
    while (query.Next()) expired.emplace_back(query.IntAt(0), query.IntAt(1));
    if (!query.status().ok()) return query.status();
  }
  ExpireDeliveries::Result result;
  result.more = expired.size() > limit;
  if (result.more) expired.pop_back();
  for (const auto& [key, number] : expired) {
    absl::Status status = connection_.Use(kExpireDelivery).Int(key).Int(number).Run();
    if (!status.ok()) return status;
    const WebhookKey webhook = UnpackedKey(key);
    const auto row = GetStats(webhook);
    if (!row.ok()) return row.status();
    if (!(*row)->exists) continue;  // deleted: its deliveries only wait to be purged
    if (!(*row)->touched) result.webhooks.push_back(webhook);
    Touch(*row);
    ++result.expired_deliveries;
    CountMove(*row, number, DeliveryState::kPending, DeliveryState::kExpired);
    if (status = LeaveWork(*row); !status.ok()) return status;
  }
  result.stats = CollectStats();
  answer = std::move(result);
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
