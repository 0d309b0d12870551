#include "server/store/memory/memory_state.h"

#include <algorithm>
#include <utility>

#include "server/store/driver/driver_rules.h"
#include "server/store/driver/stats_rules.h"

namespace latchwire::memory {

absl::Status Tables::CheckStream(TenantId tenant, const AgentStream& stream) const {
  const auto fence = agent_fences.find({tenant, stream.agent});
  if (fence == agent_fences.end() || fence->second != stream.fence) {
    return AgentStreamFencedError(stream.agent);
  }
  return absl::OkStatus();
}

absl::Status Tables::CheckSequences(const AppendEvents& append, const AgentCursor& cursor) const {
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

std::optional<int64_t> Tables::FindEvent(TenantId tenant, const std::string& id,
                                         int64_t first_day) const {
  for (auto day = ids_by_day.rbegin(); day != ids_by_day.rend() && day->first >= first_day; ++day) {
    const auto found = day->second.find({tenant, id});
    if (found != day->second.end()) return found->second;
  }
  return std::nullopt;
}

// For each event: the number of the stored one with the same id; -1 - i when it repeats the i-th of
// its own mutation; nothing when it is new.
absl::Status Tables::FindDuplicates(const AppendEvents& append, uint64_t through,
                                    std::vector<std::optional<int64_t>>* known) const {
  std::map<std::string, size_t> in_batch;
  known->resize(append.events.size());
  for (size_t i = 0; i < append.events.size(); ++i) {
    const NewEvent& incoming = append.events[i];
    if (append.from_agent && incoming.sequence <= through) continue;
    const auto [earlier, is_first] = in_batch.emplace(incoming.event->id, i);
    if (!incoming.deduplicate) continue;
    const Event* stored = nullptr;
    if (!is_first) {
      (*known)[i] = -1 - static_cast<int64_t>(earlier->second);
      stored = append.events[earlier->second].event.get();
    } else if (const auto number =
                   FindEvent(append.tenant, incoming.event->id, IdDay(append.now) - kIdDays)) {
      (*known)[i] = *number;
      // One that is gone by its age leaves nothing to compare with.
      const auto row = events.find({append.tenant, *number});
      if (row != events.end()) stored = row->second.event.get();
    }
    if (stored != nullptr && !SameContent(*stored, *incoming.event)) {
      return EventIdConflictError(incoming.event->id);
    }
  }
  return absl::OkStatus();
}

int64_t StoredBytesOf(const NewEvent& incoming) {
  const Event& event = *incoming.event;
  return StoredBytes(
      event.id.size() + event.type.size() + event.source.size() + event.subject.size(),
      event.data.size(), incoming.targets.size());
}

int64_t Tables::StoreEvent(const AppendEvents& append, NewEvent& incoming) {
  TenantRow& tenant = tenants[append.tenant];
  const int64_t number = tenant.next_number++;
  tenant.last_minute = std::max(tenant.last_minute, MinuteOf(append.now));
  auto stored = std::make_shared<Event>(*incoming.event);
  stored->number = number;
  stored->occur_time = ToStoredTime(stored->occur_time);
  stored->receive_time = ToStoredTime(stored->receive_time);
  stored->expire_time = ToStoredTime(stored->expire_time);
  EventRow& row = events[{append.tenant, number}];
  row.event = stored;
  row.minute = tenant.last_minute;
  ids_by_day[IdDay(append.now)][{append.tenant, stored->id}] = number;
  ++tenant.tenant.stored_events;
  tenant.tenant.stored_bytes += StoredBytesOf(incoming);

  for (const DeliveryTarget& target : incoming.targets) {
    row.webhooks.push_back(target.webhook_uid);
    const WebhookKey webhook{append.tenant, target.webhook_uid};
    DeliveryRow& delivery = deliveries[webhook][number];
    delivery.event = stored;
    delivery.delivery.key = {webhook, number};
    delivery.delivery.create_time = ToStoredTime(append.now);
    if (!target.dropped) delivery.delivery.due_time = ToStoredTime(append.now);
    delivery.delivery.state = target.dropped ? DeliveryState::kDropped : DeliveryState::kPending;
    CountNew(delivery.delivery.state, &Touch(webhook));
    delivery.delivery.expire_time = ToStoredTime(target.expire_time);
    delivery.delivery.priority = stored->priority;
    delivery.delivery.order_key = target.order_key;
  }
  return number;
}

void Tables::Apply(AppendEvents& append) {
  AgentCursor cursor;
  const CursorKey cursor_key{append.tenant, append.stream.agent, append.stream.epoch, append.lane};
  if (append.from_agent) {
    append.status = CheckStream(append.tenant, append.stream);
    if (!append.status.ok()) return;
    const auto found = agent_cursors.find(cursor_key);
    if (found != agent_cursors.end()) cursor = found->second;
    append.status = CheckSequences(append, cursor);
    if (!append.status.ok()) return;
  }
  append.status = CheckGeneration(append);
  if (append.status.ok()) ApplyMatched(append, cursor.through);
  if (!append.status.ok()) return;
  TakeStats(&append.stats);
  if (!append.from_agent) return;
  if (!append.events.empty() && append.events.back().sequence > cursor.through) {
    cursor = {append.events.back().sequence, append.events.back().checksum};
  }
  if (append.cursor_through > cursor.through) cursor = {append.cursor_through, std::nullopt};
  agent_cursors[cursor_key] = cursor;
}

absl::Status Tables::CheckGeneration(const AppendEvents& append) const {
  const auto tenant = tenants.find(append.tenant);
  const int64_t generation = tenant == tenants.end() ? 0 : tenant->second.generation;
  if (append.generation != generation) return StaleGenerationError(generation);
  return absl::OkStatus();
}

void Tables::ApplyMatched(AppendEvents& append, uint64_t through) {
  std::vector<std::optional<int64_t>> known;
  append.status = FindDuplicates(append, through, &known);
  if (!append.status.ok()) return;
  std::vector<bool> is_new;
  for (size_t i = 0; i < append.events.size(); ++i) {
    const bool repeated = append.from_agent && append.events[i].sequence <= through;
    is_new.push_back(!repeated && !known[i].has_value());
  }
  append.status = MakeRoom(append, is_new);
  if (!append.status.ok()) return;

  ids_by_day.erase(ids_by_day.begin(), ids_by_day.lower_bound(IdDay(append.now) - kIdDays));
  for (size_t i = 0; i < append.events.size(); ++i) {
    NewEvent& incoming = append.events[i];
    incoming.result = NewEvent::Result::kDuplicate;
    if (is_new[i]) {
      incoming.event->number = StoreEvent(append, incoming);
      incoming.result = NewEvent::Result::kStored;
    } else if (known[i].has_value()) {
      incoming.event->number =
          *known[i] < 0 ? append.events[-1 - *known[i]].event->number : *known[i];
    }
  }
  const auto tenant = tenants.find(append.tenant);
  if (tenant == tenants.end()) return;
  append.stored_bytes = tenant->second.tenant.stored_bytes;
  append.stored_events = tenant->second.tenant.stored_events;
}

void Tables::Apply(RecordDropped& dropped) {
  dropped.status = CheckStream(dropped.tenant, dropped.stream);
  if (!dropped.status.ok()) return;
  AgentCursor& cursor =
      agent_cursors[{dropped.tenant, dropped.stream.agent, dropped.stream.epoch, dropped.lane}];
  if (dropped.from > cursor.through + 1) {
    dropped.status = SequenceGapError(dropped.lane, cursor.through + 1);
  } else if (dropped.to > cursor.through) {
    cursor = {dropped.to, std::nullopt};
  }
}

void Tables::Apply(OpenAgentStream& open) {
  open.fence = ++agent_fences[{open.tenant, open.agent}];
  for (int lane = 0; lane < kLaneCount; ++lane) {
    const auto cursor = agent_cursors.find({open.tenant, open.agent, open.epoch, lane});
    open.through[lane] = cursor == agent_cursors.end() ? 0 : cursor->second.through;
  }
}

const DeliveryRow* Tables::FindDelivery(DeliveryKey key) const {
  const auto of_webhook = deliveries.find(key.webhook);
  if (of_webhook == deliveries.end() || !webhooks.contains(key.webhook)) return nullptr;
  const auto row = of_webhook->second.find(key.event_number);
  return row == of_webhook->second.end() ? nullptr : &row->second;
}

DeliveryRow* Tables::FindDelivery(DeliveryKey key) {
  return const_cast<DeliveryRow*>(std::as_const(*this).FindDelivery(key));
}

void Tables::Apply(RecordOutcomes& record) {
  for (const DeliveryOutcome& outcome : record.outcomes) {
    const int partition = PartitionOf(outcome.key.webhook);
    if (outcome.fence == 0 || leases[partition].fence != outcome.fence) {
      record.status = FencedError(partition);
      return;
    }
  }
  for (const AppendEvents& append : record.operational) {
    if (record.status.ok()) record.status = CheckGeneration(append);
  }
  if (!record.status.ok()) return;
  for (DeliveryOutcome& outcome : record.outcomes) {
    DeliveryRow* row = FindDelivery(outcome.key);
    if (row == nullptr) {
      outcome.result = DeliveryOutcome::Result::kGone;
      continue;
    }
    outcome.result = DeliveryOutcome::Result::kRecorded;
    Delivery& delivery = row->delivery;
    if (outcome.attempt.number > 0) {
      CountAttempt(outcome.attempt, outcome.state == DeliveryState::kSucceeded,
                   &Touch(outcome.key.webhook));
      Attempt attempt = outcome.attempt;
      attempt.start_time = ToStoredTime(attempt.start_time);
      attempt.duration = ToStoredDuration(attempt.duration);
      delivery.attempt_count = std::max(delivery.attempt_count, attempt.number);
      row->attempts[attempt.number] = std::move(attempt);
      delivery.last_http_status = row->attempts.rbegin()->second.http_status;
      delivery.last_error = row->attempts.rbegin()->second.error;
    }
    const DeliveryState before = delivery.state;
    const DeliveryState after = StateAfter(before, outcome.state);
    if (before != DeliveryState::kPending && before == after) continue;
    MoveTo(row, after);
    delivery.failure_count = outcome.failure_count;
    if (after == DeliveryState::kPending) delivery.due_time = ToStoredTime(outcome.due_time);
  }
  for (AppendEvents& append : record.operational) ApplyMatched(append, 0);
  TakeStats(&record.stats);
}

void Tables::Apply(RetryDelivery& retry) {
  DeliveryRow* row = FindDelivery(retry.key);
  if (row == nullptr) {
    retry.status = DeliveryNotFoundError(retry.key);
    return;
  }
  if (row->delivery.state == DeliveryState::kSucceeded) {
    retry.status = DeliveryStateError(row->delivery.state);
    return;
  }
  MakePendingAgain(row, retry.now);
  retry.delivery = row->delivery;
  TakeStats(&retry.stats);
}

}  // namespace latchwire::memory
