#include "edge-agent/main/spool_sink.h"

#include <utility>

#include "edge-agent/uplink/event_codec.h"

namespace latchwire::edge {

void StoreWatch::Note(const absl::Status& status, uint64_t needed_bytes, uint64_t spool_bytes) {
  if (absl::IsInvalidArgument(status)) return;  // says nothing about the disk
  if (status.ok() && !failed_.load(std::memory_order_relaxed)) return;
  MutexLock lock(&mutex_);
  failed_.store(!status.ok(), std::memory_order_relaxed);
  last_ = status.code();
  if (status.ok()) return;
  last_time_ = clock_->Monotonic();
  needed_bytes_ = needed_bytes;
  spool_bytes_ = spool_bytes;
}

StoreCondition StoreWatch::Judge(uint64_t spool_bytes) const {
  // Not even an event without data.
  if (spool_bytes + kSegmentHeaderBytes + kRecordHeaderBytes > max_bytes_) {
    return StoreCondition::kFull;
  }
  MutexLock lock(&mutex_);
  if (last_ == absl::StatusCode::kOk) return StoreCondition::kTaking;
  const bool is_recent = clock_->Monotonic() - last_time_ < kFailureCounts;
  if (last_ != absl::StatusCode::kResourceExhausted) {
    return is_recent ? StoreCondition::kFailing : StoreCondition::kDoubtful;
  }
  if (spool_bytes + kSegmentHeaderBytes + needed_bytes_ > max_bytes_) return StoreCondition::kFull;
  // The bound of the spool was or is not what it hit: the disk was full, or too much waited for it.
  if (spool_bytes < spool_bytes_) return StoreCondition::kTaking;
  return is_recent ? StoreCondition::kFull : StoreCondition::kDoubtful;
}

void SpoolSink::Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) {
  std::vector<SpoolRecord> records;
  records.reserve(events.size());
  uint64_t needed_bytes = 0;
  for (const Event& event : events) {
    records.push_back({LaneOfPriority(event.priority), EncodeEvent(event)});
    needed_bytes += kRecordHeaderBytes + records.back().payload.size();
  }
  spool_->Append(std::move(records),
                 [this, needed_bytes, done = std::move(done)](absl::Status status) mutable {
                   watch_->Note(status, needed_bytes, status.ok() ? 0 : spool_->Stats().bytes);
                   done(std::move(status));
                 });
}

}  // namespace latchwire::edge
