#include "edge-agent/spool/spool.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "edge-agent/spool/spool_internal.h"

namespace latchwire::edge {

Spool::Spool(SpoolOptions options, SpoolFileSystem* file_system, Executor* executor, Random* random)
    : options_(std::move(options)),
      file_system_(file_system),
      executor_(executor),
      random_(random) {}

Spool::~Spool() = default;

std::string Spool::PathOf(absl::string_view name) const {
  return absl::StrCat(options_.directory, "/", name);
}

void Spool::SetListener(absl::AnyInvocable<void()> listener) { listener_ = std::move(listener); }

void Spool::Append(std::vector<SpoolRecord> records, Done done) {
  Waiting waiting;
  absl::Status refusal;
  if (records.empty()) refusal = absl::InvalidArgumentError("no records");
  for (const SpoolRecord& record : records) {
    if (record.payload.size() > kMaxRecordBytes) {
      refusal = absl::InvalidArgumentError(absl::StrCat("a record has ", record.payload.size(),
                                                        " bytes, of at most ", kMaxRecordBytes));
    }
    if (record.lane < 0 || record.lane >= kSpoolLanes) {
      refusal = absl::InvalidArgumentError(absl::StrCat("lane ", record.lane, " is not 0 to 3"));
    }
    waiting.payload_bytes += record.payload.size();
    waiting.disk_bytes += kRecordHeaderBytes + record.payload.size();
  }
  bool post = false;
  {
    MutexLock lock(&mutex_);
    if (!refusal.ok()) {
      ++stats_.failed_appends;
    } else if (closing_) {
      refusal = absl::UnavailableError("the spool is closing");
    } else if (waiting_bytes_ > 0 &&
               waiting_bytes_ + waiting.payload_bytes > options_.max_waiting_bytes) {
      ++stats_.refused_appends;
      refusal = absl::ResourceExhaustedError(
          absl::StrCat("more than ", options_.max_waiting_bytes, " bytes wait for the disk"));
    } else {
      waiting.records = std::move(records);
      waiting.done = std::move(done);
      waiting_bytes_ += waiting.payload_bytes;
      waiting_.push_back(std::move(waiting));
      post = !std::exchange(flush_posted_, true);
    }
  }
  if (!refusal.ok()) {
    executor_->Post([done = std::move(done), refusal]() mutable { done(refusal); });
  } else if (post) {
    executor_->Post([this] { Flush(); });
  }
}

std::vector<SpoolEpoch> Spool::Epochs() const {
  MutexLock lock(&mutex_);
  std::vector<SpoolEpoch> result;
  for (const EpochState& state : epochs_) {
    SpoolEpoch epoch;
    epoch.epoch = state.epoch;
    epoch.current = &state == &epochs_.back();
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      epoch.lanes[lane] = {state.acked[lane] + 1, state.last[lane]};
    }
    result.push_back(epoch);
  }
  return result;
}

std::vector<SpooledRecord> Spool::Read(uint64_t epoch, int lane, uint64_t after, size_t max_records,
                                       size_t max_bytes) {
  struct Part {
    ReadPosition from;
    uint64_t durable_bytes;
  };
  std::vector<Part> parts;
  {
    MutexLock lock(&mutex_);
    for (const auto& segment : segments_) {
      if (segment->name.epoch != epoch || segment->lanes[lane].last <= after) continue;
      Part part{{segment, nullptr, after, segment->lanes[lane].first_offset},
                segment->durable_bytes};
      if (const ReadPosition* position = positions_[lane].get();
          position != nullptr && position->segment == segment) {
        part.from.file = position->file;
        if (position->after == after) part.from.offset = position->offset;
      }
      parts.push_back(std::move(part));
    }
  }
  std::vector<SpooledRecord> records;
  size_t bytes = 0;
  for (Part& part : parts) {
    ReadPosition& position = part.from;
    if (position.file == nullptr) {
      auto file = file_system_->Open(PathOf(position.segment->name.ToString()));
      if (!file.ok()) {
        // Removed since: then it is acked. Anything else shows as a hole in the sequences.
        if (!absl::IsNotFound(file.status())) options_.warn(file.status().message());
        continue;
      }
      position.file = *std::move(file);
    }
    SegmentReader reader(position.file.get(), epoch, position.offset, part.durable_bytes);
    bool full = false;
    while (auto record = reader.Next(true)) {
      if (record->lane != lane || record->sequence <= after) continue;
      full = records.size() == max_records ||
             (!records.empty() && bytes + record->payload.size() > max_bytes);
      if (full) break;
      bytes += record->payload.size();
      after = record->sequence;
      position.after = after;
      position.offset = record->end_offset;
      records.push_back({record->sequence, record->checksum, std::move(record->payload)});
    }
    MutexLock lock(&mutex_);
    if (reader.damaged()) ++stats_.damaged_places;
    if (!position.segment->removed) {
      positions_[lane] = std::make_unique<ReadPosition>(std::move(position));
    }
    if (full) break;
  }
  return records;
}

void Spool::Acked(uint64_t epoch, int lane, uint64_t through) {
  bool post_removal = false, post_cursors = false;
  {
    MutexLock lock(&mutex_);
    EpochState* state = FindEpoch(epoch);
    if (state == nullptr) return;
    through = std::min(through, state->last[lane]);
    if (through <= state->acked[lane]) return;
    state->acked[lane] = through;
    ForgetDrainedEpochs();
    post_removal = !std::exchange(removal_posted_, true);
    post_cursors = !std::exchange(cursors_posted_, true);
  }
  if (post_removal) executor_->Post([this] { RemoveAcked(); });
  if (post_cursors) executor_->PostAfter(options_.cursor_delay, [this] { WriteCursors(); });
}

void Spool::StartNewEpoch(absl::string_view reason) {
  executor_->Post([this, reason = std::string(reason)] {
    if (closed_) return;
    AbandonActive(reason);
    if (listener_) listener_();
  });
}

SpoolStats Spool::Stats() const {
  MutexLock lock(&mutex_);
  SpoolStats stats = stats_;
  stats.segments = static_cast<int>(segments_.size());
  stats.bytes = 0;
  for (const auto& segment : segments_) stats.bytes += segment->durable_bytes;
  for (const EpochState& state : epochs_) {
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      stats.held_records += state.last[lane] - state.acked[lane];
    }
  }
  return stats;
}

Spool::EpochState* Spool::FindEpoch(uint64_t epoch) {
  for (EpochState& state : epochs_) {
    if (state.epoch == epoch) return &state;
  }
  return nullptr;
}

bool Spool::FullyAcked(const Segment& segment) {
  const EpochState* state = FindEpoch(segment.name.epoch);
  if (state == nullptr) return true;
  for (int lane = 0; lane < kSpoolLanes; ++lane) {
    if (segment.lanes[lane].last > state->acked[lane]) return false;
  }
  return true;
}

void Spool::ForgetDrainedEpochs() {
  for (size_t i = 0; i + 1 < epochs_.size();) {
    if (epochs_[i].last == epochs_[i].acked) {
      epochs_.erase(epochs_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

void Spool::BeginEpoch() {
  EpochState state;
  do {
    state.epoch = random_->NextUint64();
  } while (state.epoch == 0 || FindEpoch(state.epoch) != nullptr);
  state.generation = ++last_generation_;
  epochs_.push_back(state);
  ForgetDrainedEpochs();
}

SpoolLedger Spool::MakeLedger() const {
  SpoolLedger ledger;
  const EpochState& current = epochs_.back();
  ledger.epoch = current.epoch;
  ledger.generation = last_generation_;
  ledger.last = current.last;
  for (const EpochState& state : epochs_) ledger.acked[state.epoch] = state.acked;
  return ledger;
}

}  // namespace latchwire::edge
