#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {

absl::StatusOr<int64_t> FindEvent(Connection* connection, TenantId tenant, absl::string_view id) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  const std::string key = EventIdKey(id);
  Query days = connection->Use(kIdDaysSql);
  while (days.Next()) {
    Query query = connection->UseText(FindIdSql(days.IntAt(0)));
    query.Int(tenant).Blob(key);
    if (query.Next()) return query.IntAt(0);
    if (!query.status().ok()) return query.status();
  }
  if (!days.status().ok()) return days.status();
  return EventNotFoundError(id);
}

absl::StatusOr<EventPage> ListEvents(Connection* connection, TenantId tenant,
                                     const EventFilter& filter, int64_t before, int limit) {
  Query query = connection->Use(kListEvents);
  query.Int(EventKey(tenant, 0));
  query.Int(before == 0 ? EventKey(tenant + 1, 0) : EventKey(tenant, before));
  EventPage page;
  for (int looked_at = 0; query.Next(); ++looked_at) {
    const int64_t number = NumberOf(query.IntAt(0));
    if (static_cast<int>(page.events.size()) == limit || looked_at == kMaxRowsPerPage) {
      page.next_before = number + 1;
      return page;
    }
    if ((!filter.type.empty() && filter.type != query.BytesAt(2)) ||
        (!filter.source.empty() && filter.source != query.BytesAt(4)) ||
        (!filter.subject.empty() && filter.subject != query.BytesAt(5))) {
      continue;
    }
    Event& event = page.events.emplace_back();
    event.number = number;
    if (absl::Status status = EventFrom(query, 1, true, &event, nullptr); !status.ok()) {
      return status;
    }
  }
  if (!query.status().ok()) return query.status();
  return page;
}

}  // namespace latchwire::sqlite
