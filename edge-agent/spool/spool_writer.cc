// The half of the spool that writes; all of it runs on the executor.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/crash_point.h"
#include "edge-agent/spool/spool_internal.h"

namespace latchwire::edge {
namespace {

// One write and one fsync cover at most so much.
constexpr size_t kMaxGroupBytes = 1024 * 1024;
// An active segment that is fully acked is removed, rather than kept until it is full, past this.
constexpr uint64_t kKeepEmptyBytes = 64 * 1024;

}  // namespace

void Spool::Flush() {
  std::vector<Waiting> group;
  bool more = false;
  {
    MutexLock lock(&mutex_);
    size_t bytes = 0;
    while (!waiting_.empty() &&
           (group.empty() || bytes + waiting_.front().payload_bytes <= kMaxGroupBytes)) {
      bytes += waiting_.front().payload_bytes;
      group.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    LATCHWIRE_CHECK(bytes <= waiting_bytes_, bytes, " of ", waiting_bytes_);
    waiting_bytes_ -= bytes;
    more = !waiting_.empty();
    LATCHWIRE_DCHECK(more || waiting_bytes_ == 0, waiting_bytes_, " bytes of nothing");
    flush_posted_ = more;
  }
  if (more) executor_->Post([this] { Flush(); });
  if (!group.empty()) FlushGroup(std::move(group));
}

void Spool::FlushGroup(std::vector<Waiting> group) {
  // An append that does not fit is refused on its own, so that a smaller one may still pass.
  uint64_t used = Stats().bytes;
  std::vector<Waiting> fitting;
  const auto refuse = [this](Waiting waiting, absl::Status status) {
    if (refused_since_ == 0) {
      options_.warn(absl::StrCat("events are refused: ", status.message()));
    }
    ++refused_since_;
    {
      MutexLock lock(&mutex_);
      if (absl::IsResourceExhausted(status)) {
        ++stats_.refused_appends;
      } else {
        ++stats_.failed_appends;
      }
    }
    waiting.done(std::move(status));
  };
  for (Waiting& waiting : group) {
    if (used + kSegmentHeaderBytes + waiting.disk_bytes > options_.max_bytes) {
      refuse(std::move(waiting),
             absl::ResourceExhaustedError(absl::StrCat("the spool holds ", used,
                                                       " bytes, of at most ", options_.max_bytes)));
      continue;
    }
    used += waiting.disk_bytes;
    fitting.push_back(std::move(waiting));
  }
  if (fitting.empty()) return;
  const absl::Status status = WriteGroup(fitting);
  if (status.ok() && refused_since_ > 0) {
    options_.warn(
        absl::StrCat("events are taken again; ", refused_since_, " requests were refused"));
    refused_since_ = 0;
  }
  for (Waiting& waiting : fitting) {
    if (status.ok()) {
      waiting.done(status);
    } else {
      refuse(std::move(waiting), status);
    }
  }
  if (status.ok() && listener_) listener_();
}

absl::Status Spool::WriteGroup(const std::vector<Waiting>& group) {
  if (absl::Status status = OpenActive(); !status.ok()) return status;
  EpochState next;
  uint64_t offset = 0;
  {
    MutexLock lock(&mutex_);
    next = epochs_.back();
    offset = active_->durable_bytes;
  }
  // Nothing is ever added to an epoch that ended, and no number is given twice.
  LATCHWIRE_CHECK(active_->active && active_->name.epoch == next.epoch);
  struct Placed {
    int lane;
    uint64_t sequence;
    uint64_t offset;
  };
  std::string bytes;
  std::vector<Placed> placed;
  for (const Waiting& waiting : group) {
    for (const SpoolRecord& record : waiting.records) {
      const uint64_t sequence = ++next.last[record.lane];
      placed.push_back({record.lane, sequence, offset + bytes.size()});
      const bool more = &record != &waiting.records.back();
      EncodeRecord(next.epoch, record.lane, sequence, more, static_cast<uint32_t>(offset),
                   record.payload, &bytes);
    }
  }
  if (absl::Status status = active_->file->Append(bytes); !status.ok()) {
    // The numbers may only be given again if no trace of this can ever come back.
    absl::Status undone = active_->file->Truncate(offset);
    if (undone.ok()) undone = active_->file->Sync();
    if (!undone.ok()) AbandonActive("a failed write could not be undone");
    return status;
  }
  CrashPoint("agent-after-accept-before-fsync");
  if (absl::Status status = active_->file->Sync(); !status.ok()) {
    active_->file->Truncate(offset).IgnoreError();
    AbandonActive("an fsync failed");
    return status;
  }
  CrashPoint("agent-after-fsync-before-answer");
  bool full = false;
  {
    MutexLock lock(&mutex_);
    for (const Placed& record : placed) {
      LATCHWIRE_CHECK(record.sequence > active_->lanes[record.lane].last, "a number given twice");
      active_->Add(record.lane, record.sequence, record.offset);
    }
    active_->durable_bytes = offset + bytes.size();
    epochs_.back().last = next.last;
    DcheckEpochs();
    full = active_->durable_bytes >= options_.segment_bytes;
    if (full) active_->active = false;
  }
  if (full) {
    active_->file.reset();
    active_.reset();
  }
  return absl::OkStatus();
}

// A segment is known to all, and counted, only once it and its name are durable.
absl::Status Spool::OpenActive() {
  if (active_ != nullptr) return absl::OkStatus();
  SegmentName name;
  {
    MutexLock lock(&mutex_);
    name.generation = epochs_.back().generation;
    name.epoch = epochs_.back().epoch;
  }
  name.index = next_index_++;
  auto segment = std::make_shared<Segment>(name);
  const std::string path = PathOf(name.ToString());
  auto file = file_system_->Create(path);
  if (!file.ok()) return file.status();
  absl::Status status = (*file)->Append(EncodeSegmentHeader(name));
  if (status.ok()) status = file_system_->SyncDirectory(options_.directory);
  if (!status.ok()) {
    file->reset();
    file_system_->Remove(path).IgnoreError();
    return status;
  }
  segment->file = *std::move(file);
  segment->active = true;
  active_ = segment;
  MutexLock lock(&mutex_);
  segments_.push_back(std::move(segment));
  return absl::OkStatus();
}

void Spool::AbandonActive(absl::string_view reason) {
  if (active_ != nullptr) active_->file.reset();
  uint64_t epoch = 0;
  {
    MutexLock lock(&mutex_);
    if (active_ != nullptr) active_->active = false;
    BeginEpoch();
    epoch = epochs_.back().epoch;
  }
  active_.reset();
  options_.warn(absl::StrCat("a new epoch ", absl::Hex(epoch), " begins: ", reason));
  RemoveAcked();
}

void Spool::RemoveAcked() {
  if (closed_) return;  // the folder may belong to another process by now
  std::vector<std::shared_ptr<Segment>> gone;
  {
    MutexLock lock(&mutex_);
    removal_posted_ = false;
    for (auto it = segments_.begin(); it != segments_.end();) {
      const bool keep =
          !FullyAcked(**it) || ((*it)->active && (*it)->durable_bytes < kKeepEmptyBytes);
      if (keep) {
        ++it;
        continue;
      }
      gone.push_back(*it);
      (*it)->removed = true;
      for (auto& position : positions_) {
        if (position != nullptr && position->segment == *it) position.reset();
      }
      it = segments_.erase(it);
    }
  }
  CrashPoint("agent-after-ack-before-cursor");
  for (const auto& segment : gone) {
    if (segment == active_) {
      active_->file.reset();
      active_.reset();
    }
    const absl::Status status = file_system_->Remove(PathOf(segment->name.ToString()));
    // It is forgotten nevertheless: at worst it comes back at the next start, and is sent again.
    if (!status.ok()) options_.warn(status.message());
    CrashPoint("agent-during-segment-removal");
  }
}

void Spool::WriteCursors() {
  {
    MutexLock lock(&mutex_);
    cursors_posted_ = false;
  }
  if (closed_) return;
  const absl::Status status = WriteLedger(kCursorsFile, false);
  if (!status.ok()) options_.warn(absl::StrCat("acks were not noted: ", status.message()));
}

absl::Status Spool::WriteLedger(const std::string& name, bool with_identity) {
  SpoolLedger ledger;
  {
    MutexLock lock(&mutex_);
    ledger = MakeLedger();
  }
  const std::string path = PathOf(name);
  const std::string temporary = path + ".new";
  const absl::Status removed = file_system_->Remove(temporary);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  absl::Status status;
  {
    auto file = file_system_->Create(temporary);
    if (!file.ok()) return file.status();
    ledger.identity = with_identity ? IdentityFor(**file) : "any";
    status = (*file)->Append(ledger.Encode());
    if (status.ok()) status = (*file)->Sync();
  }
  if (status.ok()) status = file_system_->Rename(temporary, path);
  if (!status.ok()) {
    file_system_->Remove(temporary).IgnoreError();
    return status;
  }
  return file_system_->SyncDirectory(options_.directory);
}

void Spool::Close(Done done) {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
  }
  // Behind every flush: Flush posts itself again before Close can get in only if more waits.
  executor_->Post([this, done = std::move(done)]() mutable { FinishClose(std::move(done)); });
}

void Spool::FinishClose(Done done) {
  {
    MutexLock lock(&mutex_);
    if (!waiting_.empty()) {
      executor_->Post([this, done = std::move(done)]() mutable { FinishClose(std::move(done)); });
      return;
    }
  }
  if (closed_) {
    done(absl::OkStatus());
    return;
  }
  RemoveAcked();
  closed_ = true;
  {
    MutexLock lock(&mutex_);
    LATCHWIRE_CHECK(waiting_.empty() && waiting_bytes_ == 0, "closed with appends unanswered");
  }
  if (active_ != nullptr) {
    MutexLock lock(&mutex_);
    active_->active = false;
  }
  if (active_ != nullptr) active_->file.reset();
  active_.reset();
  absl::Status status = WriteLedger(kCleanFile, true);
  lock_.reset();
  done(std::move(status));
}

}  // namespace latchwire::edge
