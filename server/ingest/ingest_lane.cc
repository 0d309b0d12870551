#include "server/ingest/ingest_lane.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "server/api/append.h"

namespace latchwire {
namespace {

constexpr absl::Duration kDefaultRetryAfter = absl::Seconds(1);

size_t EventsOf(const LaneItem& item) { return static_cast<size_t>(item.last - item.first + 1); }

uint64_t LastOf(const LaneWrite& write) {
  if (const auto* append = std::get_if<AppendFromAgent>(&write)) return append->last_sequence;
  return std::get<RecordDropped>(write).to;
}

// Whether the same events may be taken later, so that the agent only has to wait.
bool IsPassing(absl::string_view reason) {
  return reason == error_reason::kOverloaded || reason == error_reason::kStoreUnavailable ||
         reason == error_reason::kQueueFull || reason == error_reason::kQuotaExceeded;
}

// Whether a smaller batch might be taken now.
bool IsDivisible(absl::string_view reason, const LaneWrite& write) {
  const auto* append = std::get_if<AppendFromAgent>(&write);
  return (reason == error_reason::kQueueFull || reason == error_reason::kQuotaExceeded) &&
         append != nullptr && append->events.size() > 1;
}

}  // namespace

bool IngestLane::Offer(LaneItem offered) {
  if (refused_) {
    if (offered.first > durable_ + 1) return false;
    refused_ = false;
  }
  Item item;
  static_cast<LaneItem&>(item) = std::move(offered);
  item.id = next_id_++;
  // A dropped run may be of any length and takes no memory.
  events_ += std::holds_alternative<AppendFromAgent>(item.write) ? EventsOf(item) : 1;
  bytes_ += item.bytes;
  items_.push_back(std::move(item));
  return true;
}

std::optional<IngestLane::Submission> IngestLane::Next() {
  if (redo_) return std::nullopt;
  while (next_ < items_.size() && items_[next_].done) ++next_;
  if (next_ == items_.size()) return std::nullopt;
  Item& item = items_[next_++];
  ++outstanding_;
  return Submission{item.id, std::move(item.write)};
}

size_t IngestLane::NextEvents() const {
  if (redo_) return 0;
  for (size_t i = next_; i < items_.size(); ++i) {
    if (items_[i].done) continue;
    const auto* append = std::get_if<AppendFromAgent>(&items_[i].write);
    return append == nullptr ? 0 : append->events.size();
  }
  return 0;
}

IngestLane::Verdict IngestLane::OnDone(uint64_t id, LaneWrite write, const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  Verdict verdict;
  if (status.ok()) {
    durable_ = std::max(durable_, LastOf(write));
    verdict.ack = true;
  }
  // Forgotten when the lane was refused: only its success counts.
  if (items_.empty() || id < items_.front().id) return verdict;

  Item& item = items_[static_cast<size_t>(id - items_.front().id)];
  --outstanding_;
  if (status.ok()) {
    item.done = true;
    verdict.rejected = std::move(item.rejected);
    while (!items_.empty() && items_.front().done) {
      Forget(items_.front());
      items_.pop_front();
      if (next_ > 0) --next_;
    }
  } else if (IsStale(status) && ++item.rematches <= kMaxRematches) {
    item.write = std::move(write);
    redo_ = true;
  } else if (reason == error_reason::kSequenceGap && redo_) {
    item.write = std::move(write);
  } else if (IsDivisible(reason, write)) {
    item.write = std::move(write);
    item.halve = true;
    redo_ = true;
  } else if (IsPassing(reason) || IsStale(status)) {
    return Refuse(status);
  } else {
    verdict.failure = status;
    return verdict;
  }
  if (redo_ && outstanding_ == 0) Redo();
  return verdict;
}

IngestLane::Item IngestLane::SplitOff(Item& item) {
  auto& first = std::get<AppendFromAgent>(item.write);
  const auto middle = first.events.begin() + static_cast<ptrdiff_t>(first.events.size() / 2);
  AppendFromAgent second = first;
  second.events.assign(std::make_move_iterator(middle),
                       std::make_move_iterator(first.events.end()));
  first.events.erase(middle, first.events.end());
  const auto middle_sequence =
      first.sequences.begin() + static_cast<ptrdiff_t>(first.events.size());
  second.sequences.assign(middle_sequence, first.sequences.end());
  first.sequences.erase(middle_sequence, first.sequences.end());
  second.first_sequence = second.sequences.front().sequence;
  first.last_sequence = second.first_sequence - 1;

  Item rest;
  rest.first = second.first_sequence;
  rest.last = std::exchange(item.last, first.last_sequence);
  rest.bytes = item.bytes / 2;
  item.bytes -= rest.bytes;
  const auto later =
      std::partition(item.rejected.begin(), item.rejected.end(),
                     [&](const RejectedEvent& rejected) { return rejected.sequence <= item.last; });
  rest.rejected.assign(std::make_move_iterator(later),
                       std::make_move_iterator(item.rejected.end()));
  item.rejected.erase(later, item.rejected.end());
  rest.write = std::move(second);
  return rest;
}

// Nothing of the lane is in the writer, so that ids can be given anew.
void IngestLane::Redo() {
  std::deque<Item> again;
  for (Item& item : items_) {
    std::optional<Item> rest;
    if (std::exchange(item.halve, false)) rest = SplitOff(item);
    again.push_back(std::move(item));
    if (rest) again.push_back(*std::move(rest));
  }
  items_ = std::move(again);
  for (Item& item : items_) item.id = next_id_++;
  redo_ = false;
  next_ = 0;
}

void IngestLane::Drop() {
  items_.clear();
  next_ = outstanding_ = events_ = bytes_ = 0;
  redo_ = false;
  refused_ = true;
}

IngestLane::Verdict IngestLane::Refuse(const absl::Status& status) {
  Drop();
  Verdict verdict;
  verdict.ack = true;
  verdict.retry_after = RetryAfterOf(status).value_or(kDefaultRetryAfter);
  return verdict;
}

void IngestLane::Forget(const Item& item) {
  events_ -= std::holds_alternative<AppendFromAgent>(item.write) ? EventsOf(item) : 1;
  bytes_ -= item.bytes;
}

}  // namespace latchwire
