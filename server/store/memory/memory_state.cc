#include "server/store/memory/memory_state.h"

#include <algorithm>
#include <utility>

#include "server/store/driver/delivery_rules.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"

namespace latchwire::memory {

absl::Status Tables::CheckStream(TenantId tenant, const AgentStream& stream) const {
  const auto fence = agent_fences.find({tenant, stream.agent});
  if (fence == agent_fences.end()) return latchwire::CheckStream(stream, std::nullopt);
  return latchwire::CheckStream(stream, fence->second);
}

std::optional<int64_t> Tables::FindEvent(TenantId tenant, const std::string& id,
                                         int64_t first_day) const {
  for (auto day = ids_by_day.rbegin(); day != ids_by_day.rend() && day->first >= first_day; ++day) {
    const auto found = day->second.find({tenant, id});
    if (found != day->second.end()) return found->second;
  }
  return std::nullopt;
}

absl::Status Tables::CheckGeneration(const MatchedEvents& append) const {
  const auto tenant = tenants.find(append.tenant);
  return latchwire::CheckGeneration(append,
                                    tenant == tenants.end() ? 0 : tenant->second.generation);
}

absl::StatusOr<AppendPlan> Tables::PlanAppend(const MatchedEvents& append, size_t repeated) const {
  auto plan = AppendPlan::Make(append, repeated);
  if (!plan.ok()) return plan;
  for (const size_t i : plan->lookups()) {
    const auto number =
        FindEvent(append.tenant, append.events[i].event->id, IdDay(append.now) - kIdDays);
    if (!number.has_value()) continue;
    const auto row = events.find({append.tenant, *number});
    const Event* stored = row == events.end() ? nullptr : row->second.event.get();
    if (absl::Status status = plan->SetKnown(i, *number, stored); !status.ok()) return status;
  }
  const auto tenant = tenants.find(append.tenant);
  absl::Status status =
      plan->CountNew(tenant == tenants.end() ? 0 : tenant->second.tenant.stored_bytes);
  if (!status.ok()) return status;
  for (const auto& [uid, room] : plan->rooms()) {
    const auto counted = stats.find({append.tenant, uid});
    status = plan->SetPending(uid, counted == stats.end() ? 0 : counted->second.pending);
    if (!status.ok()) return status;
  }
  return plan;
}

void Tables::MakeRoom(TenantId tenant, const AppendPlan& plan, AppendResult* result) {
  for (const auto& [uid, room] : plan.rooms()) {
    const WebhookKey webhook{tenant, uid};
    int64_t left = room.drop_stored;
    for (auto& [number, row] : deliveries[webhook]) {
      if (left == 0) break;
      if (row.delivery.state != DeliveryState::kPending) continue;
      MoveTo(&row, DeliveryState::kDropped);
      result->dropped_old.push_back({webhook, number});
      --left;
    }
  }
}

int64_t Tables::StoreEvent(const MatchedEvents& append, const NewEvent& incoming, AppendPlan* plan,
                           AppendResult* result) {
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
  tenant.tenant.stored_bytes += StoredBytes(*stored, incoming.targets.size());

  for (const DeliveryTarget& target : incoming.targets) {
    row.webhooks.push_back(target.webhook_uid);
    const WebhookKey webhook{append.tenant, target.webhook_uid};
    DeliveryRow& added = deliveries[webhook][number];
    added.event = stored;
    Delivery& delivery = added.delivery;
    delivery.key = {webhook, number};
    delivery.create_time = ToStoredTime(append.now);
    if (plan->TakePlace(target)) {
      delivery.state = DeliveryState::kDropped;
      result->dropped_new.push_back(delivery.key);
    } else {
      delivery.due_time = ToStoredTime(append.now);
      LeaveWork(webhook);
    }
    CountNew(delivery.state, &Touch(webhook));
    delivery.expire_time = ToStoredTime(target.expire_time);
    delivery.priority = stored->priority;
    delivery.order_key = target.order_key;
  }
  return number;
}

absl::StatusOr<AppendResult> Tables::ApplyMatched(const MatchedEvents& append, size_t repeated) {
  auto plan = PlanAppend(append, repeated);
  if (!plan.ok()) return plan.status();
  AppendResult result;
  MakeRoom(append.tenant, *plan, &result);
  ids_by_day.erase(ids_by_day.begin(), ids_by_day.lower_bound(IdDay(append.now) - kIdDays));
  for (size_t i = 0; i < append.events.size(); ++i) {
    if (plan->IsNew(i)) {
      const int64_t number = StoreEvent(append, append.events[i], &*plan, &result);
      result.events.push_back({AppendResult::Kind::kStored, number});
    } else {
      result.events.push_back(plan->Duplicate(i, result.events));
    }
  }
  const auto tenant = tenants.find(append.tenant);
  if (tenant == tenants.end()) return result;
  result.stored_bytes = tenant->second.tenant.stored_bytes;
  result.stored_events = tenant->second.tenant.stored_events;
  return result;
}

std::vector<absl::StatusOr<AppendResult>> Tables::ApplyOperational(
    absl::Span<const MatchedEvents> operational) {
  std::vector<absl::StatusOr<AppendResult>> results;
  for (const MatchedEvents& append : operational) results.push_back(ApplyMatched(append, 0));
  return results;
}

Tables::Answer<AppendPublished> Tables::Apply(const AppendPublished& append) {
  if (absl::Status status = CheckGeneration(append); !status.ok()) return status;
  auto result = ApplyMatched(append, 0);
  if (!result.ok()) return result.status();
  result->stats = CollectStats();
  return AppendPublished::Result{*std::move(result)};
}

Tables::Answer<AppendFromAgent> Tables::Apply(const AppendFromAgent& append) {
  absl::Status status = CheckStream(append.tenant, append.stream);
  if (!status.ok()) return status;
  AgentCursor cursor;
  const CursorKey key{append.tenant, append.stream.agent, append.stream.epoch, append.lane};
  if (const auto found = agent_cursors.find(key); found != agent_cursors.end()) {
    cursor = found->second;
  }
  if (status = CheckSequences(append, cursor); !status.ok()) return status;
  if (status = CheckGeneration(append); !status.ok()) return status;
  auto result = ApplyMatched(append, CountRepeated(append, cursor));
  if (!result.ok()) return result.status();
  result->stats = CollectStats();
  agent_cursors[key] = CursorAfter(append, cursor);
  return AppendFromAgent::Result{*std::move(result)};
}

Tables::Answer<RecordDropped> Tables::Apply(const RecordDropped& dropped) {
  absl::Status status = CheckStream(dropped.tenant, dropped.stream);
  if (!status.ok()) return status;
  AgentCursor& cursor =
      agent_cursors[{dropped.tenant, dropped.stream.agent, dropped.stream.epoch, dropped.lane}];
  const auto after = CursorAfter(dropped, cursor);
  if (!after.ok()) return after.status();
  cursor = *after;
  return RecordDropped::Result();
}

Tables::Answer<OpenAgentStream> Tables::Apply(const OpenAgentStream& open) {
  OpenAgentStream::Result result;
  result.fence = ++agent_fences[{open.tenant, open.agent}];
  for (int lane = 0; lane < kLaneCount; ++lane) {
    const auto cursor = agent_cursors.find({open.tenant, open.agent, open.epoch, lane});
    result.through[lane] = cursor == agent_cursors.end() ? 0 : cursor->second.through;
  }
  return result;
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

Tables::Answer<RecordOutcomes> Tables::Apply(const RecordOutcomes& record) {
  for (const DeliveryOutcome& outcome : record.outcomes) {
    absl::Status status = CheckFence(outcome, leases[PartitionOf(outcome.key.webhook)].fence);
    if (!status.ok()) return status;
  }
  for (const MatchedEvents& append : record.operational) {
    if (absl::Status status = CheckGeneration(append); !status.ok()) return status;
  }
  RecordOutcomes::Result result;
  for (const DeliveryOutcome& outcome : record.outcomes) {
    DeliveryRow* row = FindDelivery(outcome.key);
    result.outcomes.push_back(row == nullptr ? RecordOutcomes::Recorded::kGone
                                             : RecordOutcomes::Recorded::kRecorded);
    if (row == nullptr) continue;
    if (outcome.attempt.number > 0) {
      CountAttempt(outcome.attempt, outcome.state == DeliveryState::kSucceeded,
                   &Touch(outcome.key.webhook));
      Attempt attempt = outcome.attempt;
      attempt.start_time = ToStoredTime(attempt.start_time);
      attempt.duration = ToStoredDuration(attempt.duration);
      row->attempts[attempt.number] = std::move(attempt);
    }
    const DeliveryState before = row->delivery.state;
    if (ApplyOutcome(outcome, &row->delivery)) Moved(*row, before);
  }
  result.operational = ApplyOperational(record.operational);
  result.stats = CollectStats();
  return result;
}

Tables::Answer<RetryDelivery> Tables::Apply(const RetryDelivery& retry) {
  DeliveryRow* row = FindDelivery(retry.key);
  if (row == nullptr) return DeliveryNotFoundError(retry.key);
  if (absl::Status status = CheckRetry(row->delivery); !status.ok()) return status;
  MakePendingAgain(row, retry.now);
  return RetryDelivery::Result{row->delivery, CollectStats()};
}

}  // namespace latchwire::memory
