#include <utility>

#include "absl/container/flat_hash_map.h"
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

absl::Status Transaction::Apply(AppendEvents& append) {
  AgentCursor cursor;
  if (append.from_agent) {
    absl::Status status = CheckStream(append.tenant, append.stream, &append.status);
    if (!status.ok() || !append.status.ok()) return status;
    const auto stored = GetCursor(append.tenant, append.stream, append.lane);
    if (!stored.ok()) return stored.status();
    cursor = *stored;
    append.status = CheckSequences(append, cursor);
    if (!append.status.ok()) return absl::OkStatus();
  }
  absl::Status status = CheckGeneration(append, &append.status);
  if (status.ok() && append.status.ok()) status = ApplyMatched(append, cursor.through);
  if (!status.ok() || !append.status.ok()) return status;
  TakeStats(&append.stats);
  if (!append.from_agent) return absl::OkStatus();
  const uint64_t through = cursor.through;
  if (!append.events.empty() && append.events.back().sequence > cursor.through) {
    cursor = {append.events.back().sequence, append.events.back().checksum};
  }
  if (append.cursor_through > cursor.through) cursor = {append.cursor_through, std::nullopt};
  if (cursor.through == through) return absl::OkStatus();
  return PutCursor(append.tenant, append.stream, append.lane, cursor);
}

absl::Status Transaction::CheckGeneration(const AppendEvents& append, absl::Status* own) {
  const auto tenant = GetTenant(append.tenant);
  if (!tenant.ok()) return tenant.status();
  if (append.generation != (*tenant)->generation) {
    *own = StaleGenerationError((*tenant)->generation);
  }
  return absl::OkStatus();
}

absl::Status Transaction::ApplyMatched(AppendEvents& append, uint64_t through) {
  const auto tenant = GetTenant(append.tenant);
  if (!tenant.ok()) return tenant.status();
  AppendPlan plan;
  absl::Status status = FindDuplicates(append, through, &plan.known);
  if (status.ok() && append.status.ok()) status = CheckRoom(append, through, **tenant, &plan);
  if (!status.ok() || !append.status.ok()) return status;

  status = MakeRoom(append, plan);
  if (status.ok()) status = WriteEvents(append, through, &plan, *tenant);
  append.stored_bytes = (*tenant)->stored_bytes;
  append.stored_events = (*tenant)->stored_events;
  return status;
}

absl::Status Transaction::CheckSequences(const AppendEvents& append, const AgentCursor& cursor) {
  uint64_t first = append.first_sequence;
  if (first == 0 && !append.events.empty()) first = append.events.front().sequence;
  if (first > cursor.through + 1) return SequenceGapError(append.lane, cursor.through + 1);
  uint64_t previous = 0;
  for (const NewEvent& event : append.events) {
    if (event.sequence <= previous) return SequenceOrderError(append.lane, event.sequence);
    previous = event.sequence;
    if (event.sequence == cursor.through && cursor.checksum.has_value() &&
        *cursor.checksum != event.checksum) {
      return SequenceConflictError(append.lane, event.sequence);
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::FindDuplicates(AppendEvents& append, uint64_t through,
                                         std::vector<Known>* known) {
  bool any = false;
  for (const NewEvent& incoming : append.events) any |= incoming.deduplicate;
  if (!any) return absl::OkStatus();

  known->resize(append.events.size());
  absl::flat_hash_map<absl::string_view, size_t> in_batch;
  for (size_t i = 0; i < append.events.size(); ++i) {
    const NewEvent& incoming = append.events[i];
    const Event& event = *incoming.event;
    if (append.from_agent && incoming.sequence <= through) continue;
    const auto [earlier, is_first] = in_batch.emplace(event.id, i);
    if (!incoming.deduplicate) continue;
    bool same = true;
    if (!is_first) {
      (*known)[i].repeats = earlier->second;
      same = SameContent(*append.events[earlier->second].event, event);
    } else {
      const auto number = FindId(append.tenant, EventIdKey(event.id), IdDay(append.now) - kIdDays);
      if (!number.ok()) return number.status();
      if (*number == 0) continue;
      (*known)[i].number = *number;
      const auto stored = ReadEvent(&connection_, append.tenant, *number);
      if (!stored.ok() && stored.status().code() != absl::StatusCode::kNotFound) {
        return stored.status();
      }
      same = !stored.ok() || SameContent(*stored, event);
    }
    if (!same) {
      append.status = EventIdConflictError(event.id);
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::WriteEvents(AppendEvents& append, uint64_t through, AppendPlan* plan,
                                      TenantRow* tenant) {
  if (absl::Status status = MoveIdDays(IdDay(append.now)); !status.ok()) return status;
  if (plan->new_events > 0) {
    if (absl::Status status = PutMinute(append, tenant); !status.ok()) return status;
    tenant->stored_events += plan->new_events;
    tenant->stored_bytes += plan->new_bytes;
    tenant->changed = true;
  }
  for (size_t i = 0; i < append.events.size(); ++i) {
    NewEvent& incoming = append.events[i];
    incoming.result = NewEvent::Result::kDuplicate;
    if (IsNew(append, through, *plan, i)) {
      const int64_t number = tenant->next_number++;
      if (absl::Status status = WriteEvent(append, incoming, number, plan); !status.ok()) {
        return status;
      }
      incoming.event->number = number;
      incoming.result = NewEvent::Result::kStored;
    } else if (!plan->known.empty()) {
      const Known& known = plan->known[i];
      incoming.event->number =
          known.repeats ? append.events[*known.repeats].event->number : known.number;
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::WriteEvent(const AppendEvents& append, NewEvent& incoming, int64_t number,
                                     AppendPlan* plan) {
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
  if (absl::Status status = insert_id.Run(); !status.ok()) return status;
  return WriteDeliveries(append, incoming, number, plan);
}

absl::Status Transaction::WriteDeliveries(const AppendEvents& append, NewEvent& incoming,
                                          int64_t number, AppendPlan* plan) {
  const int64_t now = PackTime(append.now);
  for (DeliveryTarget& target : incoming.targets) {
    const WebhookKey webhook{append.tenant, target.webhook_uid};
    const auto row = GetStats(webhook);
    if (!row.ok()) return row.status();
    target.dropped = IsDropped(target, plan);
    Touch(*row);
    CountNew(*row, number, target.dropped ? DeliveryState::kDropped : DeliveryState::kPending);

    Query delivery = connection_.Use(target.dropped ? kInsertDropped : kInsertDelivery);
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
