// Takes away what is older than its tenant keeps. docs/adr/0030-retention.md says how.
#include <algorithm>
#include <map>

#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/retention_queries.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

// A step takes no further event once it has seen this many deliveries for each event of its limit.
constexpr int64_t kDeliveriesPerEvent = 4;
// Of the rows of event_minute, taken away in one step.
constexpr int kMinutesPerStep = 64;

constexpr char kFindPending[] =
    "SELECT number FROM delivery WHERE webhook = ?1 AND number >= ?2 AND number <= ?3"
    " AND state = 0";
constexpr char kDeleteEvents[] = "DELETE FROM event WHERE key >= ?1 AND key <= ?2";
constexpr char kDeleteDeliveries[] =
    "DELETE FROM delivery WHERE webhook = ?1 AND number >= ?2 AND number <= ?3";
constexpr char kDeleteAttempts[] =
    "DELETE FROM attempt WHERE webhook = ?1 AND number >= ?2 AND number <= ?3";
constexpr char kInsertHeld[] = "INSERT OR IGNORE INTO held_event VALUES(?1)";
constexpr char kDeleteHeld[] = "DELETE FROM held_event WHERE key = ?1";
constexpr char kDeleteMinute[] = "DELETE FROM event_minute WHERE tenant = ?1 AND minute = ?2";

using Ranges = std::map<int64_t, std::pair<int64_t, int64_t>>;  // uid -> first, last number

Ranges RangesOf(absl::Span<const OldEvent> events) {
  Ranges ranges;
  for (const OldEvent& event : events) {
    for (const int64_t uid : event.webhooks) {
      const auto [range, is_new] = ranges.try_emplace(uid, event.number, event.number);
      range->second.second = event.number;
    }
  }
  return ranges;
}

absl::Status OldEventFrom(const Query& row, OldEvent* event) {
  event->number = NumberOf(row.IntAt(0));
  size_t text_bytes =
      row.TypeAt(1) == SQLITE_BLOB ? UuidText(row.BytesAt(1)).size() : row.BytesAt(1).size();
  for (const int column : {2, 3, 4}) text_bytes += row.BytesAt(column).size();
  Event ignored;
  absl::Status status = UnpackEvent(row.BytesAt(5), &ignored, &event->webhooks);
  if (!status.ok()) return status;
  event->bytes = StoredBytes(text_bytes, row.BytesAt(6).size(), event->webhooks.size());
  return absl::OkStatus();
}

// `query`: kOldEvents or kHeldEvents, from `first` to below `end`. `*at_end`: that was all of them.
absl::StatusOr<std::vector<OldEvent>> Load(Query query, TenantId tenant, int64_t first, int64_t end,
                                           int64_t limit, bool* at_end) {
  std::vector<OldEvent> events;
  int64_t deliveries = 0;
  query.Int(EventKey(tenant, first)).Int(EventKey(tenant, end)).Int(limit);
  *at_end = false;
  while (deliveries < kDeliveriesPerEvent * limit) {
    if (!query.Next()) {
      *at_end = static_cast<int64_t>(events.size()) < limit;
      break;
    }
    if (absl::Status status = OldEventFrom(query, &events.emplace_back()); !status.ok()) {
      return status;
    }
    deliveries += static_cast<int64_t>(events.back().webhooks.size());
  }
  if (!query.status().ok()) return query.status();
  return events;
}

}  // namespace

absl::Status Transaction::Apply(const DeleteOldEvents& del, Answer<DeleteOldEvents>& answer) {
  const auto tenant = GetTenant(del.tenant);
  if (!tenant.ok()) return tenant.status();
  TenantRow& row = **tenant;
  if (!row.exists && !row.changed) {
    answer = TenantNotFoundError(del.tenant);
    return absl::OkStatus();
  }
  const auto end = FirstNumberAt(del.tenant, MinuteOf(del.stored_before));
  if (!end.ok()) return end.status();
  const auto held_end =
      FirstNumberAt(del.tenant, MinuteOf(std::min(del.held_before, del.stored_before)));
  if (!held_end.ok()) return held_end.status();

  Cleaning step{del.tenant, row, std::max(del.limit, 2), *end, *held_end, {}};
  DeleteOldEvents::Result& result = step.result;
  const auto before = std::tuple(row.clean_number, row.held_number, row.held_events);
  absl::Status status = CleanHeld(step);
  if (status.ok()) status = CleanNext(step);
  if (status.ok()) status = CleanMinutes(del, row);
  if (!status.ok()) return status;
  row.stored_events -= result.deleted_events;
  // Of a database that did not count from its first day only about that much was known.
  if (row.stored_events <= 0) row.stored_events = row.stored_bytes = 0;
  row.stored_bytes = std::max<int64_t>(row.stored_bytes, 0);
  // A step that finds nothing to do writes nothing, and so costs no sync.
  row.changed |= result.deleted_events > 0 ||
                 before != std::tuple(row.clean_number, row.held_number, row.held_events);
  result.stats = CollectStats();
  result.held_events = row.held_events;
  result.stored_bytes = row.stored_bytes;
  result.stored_events = row.stored_events;
  answer = std::move(result);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Transaction::FirstNumberAt(TenantId tenant, int64_t minute) {
  {
    Query query = connection_.Use(kFirstNumberAt);
    query.Int(tenant).Int(minute);
    if (query.Next()) return query.IntAt(0);
    if (!query.status().ok()) return query.status();
  }
  const auto row = GetTenant(tenant);
  if (!row.ok()) return row.status();
  return (*row)->next_number;
}

// Those that are past held_before first, then some of the others: a delivery may have ended since.
absl::Status Transaction::CleanHeld(Cleaning& step) {
  const int64_t half = step.limit / 2;
  bool at_end = false;
  auto events = Load(connection_.Use(kHeldEvents), step.tenant_id, 1, step.held_end, half, &at_end);
  if (!events.ok()) return events.status();
  step.result.more |= !at_end;
  for (OldEvent& event : *events) {
    event.is_held = true;
    absl::Status status = DeleteEvents(step, absl::MakeConstSpan(&event, 1), true);
    if (!status.ok()) return status;
  }

  const int64_t first = std::max(step.tenant.held_number, step.held_end);
  events = Load(connection_.Use(kHeldEvents), step.tenant_id, first, step.end, half, &at_end);
  if (!events.ok()) return events.status();
  const int64_t deleted_before = step.result.deleted_events;
  for (OldEvent& event : *events) {
    event.is_held = true;
    absl::Status status = DeleteEvents(step, absl::MakeConstSpan(&event, 1), false);
    if (!status.ok()) return status;
  }
  step.tenant.held_number = at_end ? 1 : events->back().number + 1;
  // Where nothing has ended, looking on at once would only cost.
  step.result.more |= !at_end && step.result.deleted_events > deleted_before;
  return absl::OkStatus();
}

absl::Status Transaction::CleanNext(Cleaning& step) {
  if (step.tenant.clean_number >= step.end) return absl::OkStatus();
  const int64_t limit = std::max<int64_t>(step.limit - step.result.deleted_events, 1);
  bool at_end = false;
  const auto events = Load(connection_.Use(kOldEvents), step.tenant_id, step.tenant.clean_number,
                           step.end, limit, &at_end);
  if (!events.ok()) return events.status();
  absl::Span<const OldEvent> rest = absl::MakeConstSpan(*events);
  size_t past_held = 0;
  while (past_held < rest.size() && rest[past_held].number < step.held_end) ++past_held;
  absl::Status status = DeleteEvents(step, rest.first(past_held), true);
  if (status.ok()) status = DeleteEvents(step, rest.subspan(past_held), false);
  step.tenant.clean_number = at_end ? step.end : events->back().number + 1;
  step.result.more |= !at_end;
  return status;
}

// The minutes that tell how old the remaining events are stay, also those of held ones.
absl::Status Transaction::CleanMinutes(const DeleteOldEvents& del, const TenantRow& tenant) {
  const int64_t held_minute = MinuteOf(std::min(del.held_before, del.stored_before));
  for (int i = 0; i < kMinutesPerStep; ++i) {
    int64_t oldest = 0;
    {
      Query query = connection_.Use(kOldestMinutes);
      query.Int(del.tenant);
      if (query.Next()) oldest = query.IntAt(0);
      const bool is_past =
          query.Next() && query.IntAt(0) <= held_minute && query.IntAt(1) <= tenant.clean_number;
      if (!query.status().ok() || !is_past) return query.status();
    }
    absl::Status status = connection_.Use(kDeleteMinute).Int(del.tenant).Int(oldest).Run();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Numbers of `events` with a pending delivery, ascending; none if those are to `expire`, which they
// then do.
absl::StatusOr<std::vector<int64_t>> Transaction::FindPending(Cleaning& step,
                                                              absl::Span<const OldEvent> events,
                                                              bool expire) {
  std::vector<int64_t> pending;
  for (const auto& [uid, range] : RangesOf(events)) {
    const WebhookKey webhook{step.tenant_id, uid};
    const auto exists = WebhookExists(webhook);
    if (!exists.ok()) return exists.status();
    if (!*exists) continue;  // nothing of it is delivered any more
    const size_t before = pending.size();
    {
      Query query = connection_.Use(kFindPending);
      query.Int(PackedKey(webhook)).Int(range.first).Int(range.second);
      while (query.Next()) pending.push_back(query.IntAt(0));
      if (!query.status().ok()) return query.status();
    }
    if (!expire || pending.size() == before) continue;
    std::vector<WebhookKey>& webhooks = step.result.webhooks;
    if (std::find(webhooks.begin(), webhooks.end(), webhook) == webhooks.end()) {
      webhooks.push_back(webhook);
    }
    step.result.expired_deliveries += static_cast<int64_t>(pending.size() - before);
    for (size_t i = before; i < pending.size(); ++i) {
      absl::Status status =
          CountMove({webhook, pending[i]}, DeliveryState::kPending, DeliveryState::kExpired);
      if (!status.ok()) return status;
    }
  }
  if (expire) pending.clear();
  std::sort(pending.begin(), pending.end());
  return pending;
}

// `events`: all that are left between the first and the last of them, but for held ones outside.
// Passes over those with pending deliveries, unless they are to `expire`.
absl::Status Transaction::DeleteEvents(Cleaning& step, absl::Span<const OldEvent> events,
                                       bool expire) {
  if (events.empty()) return absl::OkStatus();
  const auto pending = FindPending(step, events, expire);
  if (!pending.ok()) return pending.status();
  size_t run = 0;  // the first of those that go together
  for (size_t i = 0; i <= events.size(); ++i) {
    const bool stays =
        i < events.size() && std::binary_search(pending->begin(), pending->end(), events[i].number);
    if (i < events.size() && !stays) continue;
    absl::Status status = DeleteRun(step, events.subspan(run, i - run));
    if (status.ok() && stays && !events[i].is_held) {
      status = connection_.Use(kInsertHeld).Int(EventKey(step.tenant_id, events[i].number)).Run();
      ++step.tenant.held_events;
    }
    if (!status.ok()) return status;
    run = i + 1;
  }
  return absl::OkStatus();
}

absl::Status Transaction::DeleteRun(Cleaning& step, absl::Span<const OldEvent> run) {
  if (run.empty()) return absl::OkStatus();
  for (const auto& [uid, range] : RangesOf(run)) {
    for (const char* sql : {kDeleteDeliveries, kDeleteAttempts}) {
      Query query = connection_.Use(sql);
      query.Int(PackedKey({step.tenant_id, uid})).Int(range.first).Int(range.second);
      if (absl::Status status = query.Run(); !status.ok()) return status;
    }
  }
  for (const OldEvent& event : run) {
    step.tenant.stored_bytes -= event.bytes;
    if (!event.is_held) continue;
    absl::Status status =
        connection_.Use(kDeleteHeld).Int(EventKey(step.tenant_id, event.number)).Run();
    if (!status.ok()) return status;
    --step.tenant.held_events;
  }
  step.result.deleted_events += static_cast<int64_t>(run.size());
  Query query = connection_.Use(kDeleteEvents);
  query.Int(EventKey(step.tenant_id, run.front().number));
  return query.Int(EventKey(step.tenant_id, run.back().number)).Run();
}

}  // namespace latchwire::sqlite
