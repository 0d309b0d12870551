#include "server/ingest/ingest_batch.h"

#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "core/domain/limits.h"
#include "core/json/utf8.h"
#include "server/api/event_converter.h"
#include "server/api/status.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

constexpr size_t kMaxReasonLength = 200;
constexpr uint64_t kMaxSequence = std::numeric_limits<int64_t>::max();
// The message around the batch.
constexpr size_t kEnvelopeBytes = 32;

absl::Status CheckLane(int32_t lane, absl::string_view field) {
  if (lane >= 0 && lane < kLaneCount) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be 0 to ", kLaneCount - 1, ", is ", lane));
}

std::vector<FieldViolation> SpooledEventFromProto(agent::v1::SpooledEvent* spooled, absl::Time now,
                                                  Event* event) {
  if (!spooled->has_event()) return {{"event", "is missing"}};
  v1::Event* proto = spooled->mutable_event();
  proto->clear_expire_time();
  const auto receive_time = FromProto(proto->receive_time());
  const bool has_receive_time = proto->has_receive_time() && receive_time;
  std::vector<FieldViolation> violations = EventFromProto(proto, "event", event);
  event->receive_time = has_receive_time ? *receive_time : now;
  if (!Uuid::Parse(event->id)) violations.push_back({"event.id", "must be a UUID"});
  if (spooled->has_remaining_time()) {
    if (const auto remaining = FromProto(spooled->remaining_time())) {
      event->expire_time = now + *remaining;
    } else {
      violations.push_back({"remaining_time", "is not a valid google.protobuf.Duration"});
    }
  }
  return violations;
}

RejectedEvent Reject(uint64_t sequence, const std::vector<FieldViolation>& violations) {
  RejectedEvent rejected;
  rejected.sequence = sequence;
  rejected.reason = std::string(error_reason::kFieldInvalid);
  rejected.detail = std::string(InvalidArgument({violations[0]}).message());
  if (violations.size() > 1) {
    absl::StrAppend(&rejected.detail, "; and ", violations.size() - 1, " more");
  }
  return rejected;
}

}  // namespace

absl::Status CheckHello(const agent::v1::Hello& hello) {
  if (hello.ranges_size() > kLaneCount) {
    return InvalidField("hello.ranges", absl::StrCat("must have at most ", kLaneCount, " entries"));
  }
  for (const agent::v1::LaneRange& range : hello.ranges()) {
    if (absl::Status status = CheckLane(range.lane(), "hello.ranges.lane"); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LaneItem> BatchFromProto(agent::v1::EventBatch* batch, size_t bytes, TenantId tenant,
                                        const AgentStream& stream, absl::Time now) {
  if (absl::Status status = CheckLane(batch->lane(), "events.lane"); !status.ok()) return status;
  const size_t count = static_cast<size_t>(batch->events_size());
  if (count < 1 || count > kMaxBatchEvents) {
    return InvalidField("events.events",
                        absl::StrCat("must have 1 to ", kMaxBatchEvents, " entries, has ", count));
  }
  if (bytes > kMaxBatchBytes + kEnvelopeBytes) {
    return InvalidField("events",
                        absl::StrCat("must be at most ", kMaxBatchBytes, " bytes, is ", bytes));
  }
  const uint64_t first = batch->events(0).sequence();
  if (first == 0 || first > kMaxSequence - count) {
    return InvalidField("events.events[0].sequence", "must be 1 to 2^63-1");
  }

  LaneItem item;
  item.first = first;
  item.last = first + count - 1;
  item.bytes = bytes;
  AppendFromAgent append;
  append.tenant = tenant;
  append.now = now;
  append.stream = stream;
  append.lane = batch->lane();
  append.first_sequence = first;
  append.last_sequence = item.last;
  append.events.reserve(count);
  append.sequences.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    agent::v1::SpooledEvent* spooled = batch->mutable_events(static_cast<int>(i));
    if (spooled->sequence() != first + i) {
      return InvalidField(
          absl::StrCat("events.events[", i, "].sequence"),
          absl::StrCat("must be ", first + i, ", one after the event before it, is ",
                       spooled->sequence()));
    }
    auto event = std::make_shared<Event>();
    const std::vector<FieldViolation> violations = SpooledEventFromProto(spooled, now, event.get());
    if (!violations.empty()) {
      item.rejected.push_back(Reject(spooled->sequence(), violations));
      continue;
    }
    append.events.emplace_back().event = std::move(event);
    append.sequences.push_back({spooled->sequence(), spooled->checksum()});
  }
  item.write = std::move(append);
  return item;
}

absl::StatusOr<LaneItem> DroppedFromProto(const agent::v1::Dropped& dropped, TenantId tenant,
                                          const AgentStream& stream, absl::Time now) {
  if (absl::Status status = CheckLane(dropped.lane(), "dropped.lane"); !status.ok()) return status;
  if (dropped.from() == 0 || dropped.to() < dropped.from() || dropped.to() > kMaxSequence) {
    return InvalidField("dropped", "must have 1 <= from <= to < 2^63");
  }
  const size_t length = CodePointCount(dropped.reason());
  if (length == absl::string_view::npos || length > kMaxReasonLength) {
    return InvalidField("dropped.reason",
                        absl::StrCat("must be at most ", kMaxReasonLength, " characters"));
  }
  LaneItem item;
  item.first = dropped.from();
  item.last = dropped.to();
  RecordDropped record;
  record.tenant = tenant;
  record.stream = stream;
  record.lane = dropped.lane();
  record.from = dropped.from();
  record.to = dropped.to();
  record.reason = dropped.reason();
  record.now = now;
  item.write = std::move(record);
  return item;
}

}  // namespace latchwire
