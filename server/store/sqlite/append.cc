#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/rows.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kInsertEvent[] = "INSERT INTO event VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr char kInsertDelivery[] =
    "INSERT INTO delivery VALUES(?1, ?2, 0, ?3, ?4, 0, 0, ?3, ?5, NULL, ?6, NULL)";
constexpr char kInsertDropped[] =
    "INSERT INTO delivery VALUES(?1, ?2, 4, NULL, ?4, 0, 0, ?3, ?5, NULL, ?6, NULL)";

}  // namespace

std::string IdTable(int64_t day) {
  const absl::CivilDay civil = absl::CivilDay(1970, 1, 1) + day;
  return absl::StrCat("event_id_", civil.year(), absl::Dec(civil.month(), absl::kZeroPad2),
                      absl::Dec(civil.day(), absl::kZeroPad2));
}

std::string FindIdSql(int64_t day) {
  return absl::StrCat("SELECT number FROM ", IdTable(day), " WHERE tenant = ?1 AND key = ?2");
}

absl::Status Transaction::Apply(const AppendPublished& append, Answer<AppendPublished>& answer) {
  absl::Status own;
  absl::Status status = CheckGeneration(append, &own);
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;
  absl::StatusOr<AppendResult> result;
  if (status = ApplyMatched(append, 0, result); !status.ok()) return status;
  if (!result.ok()) {
    answer = result.status();
    return absl::OkStatus();
  }
  result->stats = CollectStats();
  answer = AppendPublished::Result{*std::move(result)};
  return absl::OkStatus();
}

absl::Status Transaction::CheckGeneration(const MatchedEvents& append, absl::Status* own) {
  const auto tenant = GetTenant(append.tenant);
  if (!tenant.ok()) return tenant.status();
  *own = latchwire::CheckGeneration(append, (*tenant)->generation);
  return absl::OkStatus();
}

absl::Status Transaction::ApplyMatched(const MatchedEvents& append, size_t repeated,
                                       absl::StatusOr<AppendResult>& answer) {
  const auto tenant = GetTenant(append.tenant);
  if (!tenant.ok()) return tenant.status();
  auto plan = AppendPlan::Make(append, repeated);
  absl::Status own = plan.status();
  absl::Status status;
  if (own.ok()) status = FindKnown(append, &*plan, &own);
  if (status.ok() && own.ok()) status = CheckRoom(append, **tenant, &*plan, &own);
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;

  AppendResult result;
  status = MakeRoom(append.tenant, *plan, &result);
  if (status.ok()) status = WriteEvents(append, &*plan, *tenant, &result);
  if (!status.ok()) return status;
  result.stored_bytes = (*tenant)->stored_bytes;
  result.stored_events = (*tenant)->stored_events;
  answer = std::move(result);
  return absl::OkStatus();
}

absl::Status Transaction::ApplyOperational(absl::Span<const MatchedEvents> operational,
                                           std::vector<absl::StatusOr<AppendResult>>* results) {
  for (const MatchedEvents& append : operational) {
    absl::Status status = ApplyMatched(append, 0, results->emplace_back());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Transaction::FindKnown(const MatchedEvents& append, AppendPlan* plan,
                                    absl::Status* own) {
  for (const size_t i : plan->lookups()) {
    const Event& event = *append.events[i].event;
    const auto number = FindId(append.tenant, EventIdKey(event.id), IdDay(append.now) - kIdDays);
    if (!number.ok()) return number.status();
    if (*number == 0) continue;
    const auto stored = ReadEvent(&connection_, append.tenant, *number);
    if (!stored.ok() && stored.status().code() != absl::StatusCode::kNotFound) {
      return stored.status();
    }
    *own = plan->SetKnown(i, *number, stored.ok() ? &*stored : nullptr);
    if (!own->ok()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Transaction::WriteEvents(const MatchedEvents& append, AppendPlan* plan,
                                      TenantRow* tenant, AppendResult* result) {
  if (absl::Status status = MoveIdDays(IdDay(append.now)); !status.ok()) return status;
  if (plan->new_events() > 0) {
    if (absl::Status status = PutMinute(append, tenant); !status.ok()) return status;
    tenant->stored_events += plan->new_events();
    tenant->stored_bytes += plan->new_bytes();
    tenant->changed = true;
  }
  result->events.reserve(append.events.size());
  for (size_t i = 0; i < append.events.size(); ++i) {
    if (!plan->IsNew(i)) {
      result->events.push_back(plan->Duplicate(i, result->events));
      continue;
    }
    const NewEvent& incoming = append.events[i];
    const int64_t number = tenant->next_number++;
    absl::Status status = WriteEvent(append, incoming, number);
    if (status.ok()) status = WriteDeliveries(append, incoming, number, plan, result);
    if (!status.ok()) return status;
    result->events.push_back({AppendResult::Kind::kStored, number});
  }
  return absl::OkStatus();
}

absl::Status Transaction::WriteEvent(const MatchedEvents& append, const NewEvent& incoming,
                                     int64_t number) {
  const Event& event = *incoming.event;
  uids_.clear();
  for (const DeliveryTarget& target : incoming.targets) uids_.push_back(target.webhook_uid);
  PackEvent(event, uids_, &rest_);
  const bool is_uuid = IsCanonicalUuid(event.id, &id_key_);
  if (!is_uuid) id_key_ = EventIdKey(event.id);

  Query insert = connection_.Use(kInsertEvent);
  insert.Int(EventKey(append.tenant, number));
  is_uuid ? insert.Blob(id_key_) : insert.Text(event.id);
  insert.Text(event.type).Text(event.canonical_type).Text(event.source).Text(event.subject);
  insert.Int(PackTime(event.receive_time)).Blob(rest_);
  event.is_json ? insert.Text(event.data) : insert.Blob(event.data);
  if (absl::Status status = insert.Run(); !status.ok()) return status;

  Query insert_id = connection_.UseText(insert_id_sql_);
  insert_id.Int(append.tenant).Blob(id_key_).Int(number);
  return insert_id.Run();
}

absl::Status Transaction::WriteDeliveries(const MatchedEvents& append, const NewEvent& incoming,
                                          int64_t number, AppendPlan* plan, AppendResult* result) {
  const int64_t now = PackTime(append.now);
  for (const DeliveryTarget& target : incoming.targets) {
    const WebhookKey webhook{append.tenant, target.webhook_uid};
    const auto row = GetStats(webhook);
    if (!row.ok()) return row.status();
    const bool dropped = plan->TakePlace(target);
    if (dropped) result->dropped_new.push_back({webhook, number});
    Touch(*row);
    if (absl::Status status = LeaveWork(*row); !status.ok()) return status;
    CountNew(*row, number, dropped ? DeliveryState::kDropped : DeliveryState::kPending);

    Query delivery = connection_.Use(dropped ? kInsertDropped : kInsertDelivery);
    delivery.Int(PackedKey(webhook)).Int(number).Int(now);
    target.order_key.empty() ? delivery.Null() : delivery.Text(target.order_key);
    target.expire_time == absl::InfiniteFuture() ? delivery.Null()
                                                 : delivery.Int(PackTime(target.expire_time));
    delivery.Int(incoming.event->priority);
    if (absl::Status status = delivery.Run(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Transaction::LoadIdDays() {
  if (id_days_.has_value()) return absl::OkStatus();
  std::vector<int64_t> days;
  Query query = connection_.Use(kIdDaysSql);
  while (query.Next()) days.push_back(query.IntAt(0));
  if (query.status().ok()) id_days_ = std::move(days);
  return query.status();
}

// Creates the table of `today` and drops those that are too old.
absl::Status Transaction::MoveIdDays(int64_t today) {
  if (today == insert_id_day_) return absl::OkStatus();
  if (absl::Status status = LoadIdDays(); !status.ok()) return status;
  std::vector<int64_t> kept;
  bool exists = false;
  for (const int64_t day : *id_days_) {
    if (day < today - kIdDays) {
      const absl::Status status = connection_.Execute(absl::StrCat(
          "DROP TABLE ", IdTable(day), "; DELETE FROM event_id_day WHERE day = ", day, ";"));
      if (!status.ok()) return status;
      continue;
    }
    exists |= day == today;
    kept.push_back(day);
  }
  if (!exists) {
    const absl::Status status = connection_.Execute(
        absl::StrCat("CREATE TABLE ", IdTable(today),
                     "(tenant INTEGER NOT NULL, key BLOB NOT NULL, number INTEGER NOT NULL,"
                     " PRIMARY KEY(tenant, key)) WITHOUT ROWID;"
                     "INSERT INTO event_id_day VALUES(",
                     today, ");"));
    if (!status.ok()) return status;
    kept.insert(std::upper_bound(kept.begin(), kept.end(), today, std::greater<>()), today);
  }
  id_days_ = std::move(kept);
  insert_id_day_ = today;
  insert_id_sql_ = absl::StrCat("INSERT OR REPLACE INTO ", IdTable(today), " VALUES(?1, ?2, ?3)");
  return absl::OkStatus();
}

// 0: none.
absl::StatusOr<int64_t> Transaction::FindId(TenantId tenant, absl::string_view key,
                                            int64_t first_day) {
  if (absl::Status status = LoadIdDays(); !status.ok()) return status;
  for (const int64_t day : *id_days_) {
    if (day < first_day) break;
    Query query = connection_.UseText(FindIdSql(day));
    query.Int(tenant).Blob(key);
    if (query.Next()) return query.IntAt(0);
    if (!query.status().ok()) return query.status();
  }
  return 0;
}

}  // namespace latchwire::sqlite
