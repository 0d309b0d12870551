#include "server/store/driver/append_plan.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"

namespace latchwire {

absl::Status CheckGeneration(const MatchedEvents& append, int64_t current) {
  return append.generation == current ? absl::OkStatus() : StaleGenerationError(current);
}

absl::StatusOr<AppendPlan> AppendPlan::Make(const MatchedEvents& append, size_t repeated) {
  LATCHWIRE_CHECK(repeated <= append.events.size());
  AppendPlan plan(append, repeated);
  const bool any = std::any_of(append.events.begin(), append.events.end(),
                               [](const NewEvent& event) { return event.deduplicate; });
  if (any) {
    if (absl::Status status = plan.FindRepeats(); !status.ok()) return status;
  }
  return plan;
}

absl::Status AppendPlan::FindRepeats() {
  const std::vector<NewEvent>& events = append_->events;
  known_.resize(events.size());
  absl::flat_hash_map<absl::string_view, size_t> first_of_id;
  for (size_t i = repeated_; i < events.size(); ++i) {
    const Event& event = *events[i].event;
    const auto [first, is_first] = first_of_id.emplace(event.id, i);
    if (!events[i].deduplicate) continue;
    if (is_first) {
      lookups_.push_back(i);
    } else if (SameContent(*events[first->second].event, event)) {
      known_[i].repeats = first->second;
    } else {
      return EventIdConflictError(event.id);
    }
  }
  return absl::OkStatus();
}

absl::Status AppendPlan::SetKnown(size_t index, int64_t number, const Event* stored) {
  LATCHWIRE_DCHECK(std::binary_search(lookups_.begin(), lookups_.end(), index));
  LATCHWIRE_CHECK(number > 0, "of a known event");
  const Event& event = *append_->events[index].event;
  if (stored != nullptr && !SameContent(*stored, event)) return EventIdConflictError(event.id);
  known_[index].number = number;
  return absl::OkStatus();
}

absl::Status AppendPlan::CountNew(int64_t stored_bytes) {
  LATCHWIRE_DCHECK(new_events_ == 0, "counted once");
  for (size_t i = 0; i < append_->events.size(); ++i) {
    if (!IsNew(i)) continue;
    const NewEvent& incoming = append_->events[i];
    ++new_events_;
    new_bytes_ += StoredBytes(*incoming.event, incoming.targets.size());
    for (const DeliveryTarget& target : incoming.targets) {
      if (target.max_pending <= 0) continue;
      Room& room = rooms_[target.webhook_uid];
      room.max_pending = target.max_pending;
      room.overflow = target.overflow;
      ++room.incoming;
    }
  }
  const int64_t limit = append_->max_stored_bytes;
  if (limit > 0 && new_events_ > 0 && stored_bytes + new_bytes_ > limit) {
    return QuotaExceededError("max_stored_bytes", limit, kStorageRetryAfter);
  }
  return absl::OkStatus();
}

absl::Status AppendPlan::SetPending(int64_t webhook_uid, int64_t pending) {
  Room& room = rooms_.at(webhook_uid);
  const int64_t fitting = std::clamp<int64_t>(room.max_pending - pending, 0, room.incoming);
  const int64_t excess = room.incoming - fitting;
  room.keep_first = room.incoming;
  if (excess == 0) return absl::OkStatus();
  switch (room.overflow) {
    case OverflowPolicy::kReject:
      return QueueFullError(webhook_uid, room.max_pending);
    case OverflowPolicy::kDropNewest:
      room.keep_first = fitting;
      break;
    case OverflowPolicy::kDropOldest:
      // Each new delivery takes the place of a stored one; when none is left, of the first new ones.
      room.drop_stored = std::min(excess, pending);
      room.drop_first = excess - room.drop_stored;
      room.keep_first -= room.drop_first;
      break;
  }
  LATCHWIRE_DCHECK(room.drop_first + room.keep_first <= room.incoming);
  return absl::OkStatus();
}

bool AppendPlan::IsNew(size_t index) const {
  if (index < repeated_) return false;
  return known_.empty() || (known_[index].number == 0 && !known_[index].repeats.has_value());
}

AppendResult::OfEvent AppendPlan::Duplicate(size_t index,
                                            absl::Span<const AppendResult::OfEvent> before) const {
  LATCHWIRE_DCHECK(!IsNew(index));
  AppendResult::OfEvent result;
  if (index < repeated_ || known_.empty()) return result;
  const Known& known = known_[index];
  result.number = known.repeats ? before[*known.repeats].number : known.number;
  return result;
}

bool AppendPlan::TakePlace(const DeliveryTarget& target) {
  if (rooms_.empty()) return false;
  const auto found = rooms_.find(target.webhook_uid);
  if (found == rooms_.end()) return false;
  Room& room = found->second;
  if (room.drop_first > 0) {
    --room.drop_first;
    return true;
  }
  return room.keep_first-- <= 0;
}

}  // namespace latchwire
