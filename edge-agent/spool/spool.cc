#include "edge-agent/spool/spool.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/crypto.h"
#include "edge-agent/spool/spool_internal.h"

namespace latchwire::edge {
namespace {

constexpr size_t kMaxLedgerBytes = 1024 * 1024;

}  // namespace

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
    DcheckEpochs();
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

void Spool::DcheckEpochs() const {
  LATCHWIRE_DCHECK(!epochs_.empty(), "there is always a current epoch");
  for (const EpochState& state : epochs_) {
    LATCHWIRE_DCHECK(state.epoch != 0 && state.generation <= last_generation_);
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      LATCHWIRE_DCHECK(state.acked[lane] <= state.last[lane], "lane ", lane, ": ",
                       state.acked[lane], " acked of ", state.last[lane]);
    }
  }
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

// How the spool finds out what it holds.

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(SpoolOptions options,
                                                   SpoolFileSystem* file_system, Executor* executor,
                                                   Random* random) {
  std::unique_ptr<Spool> spool(new Spool(std::move(options), file_system, executor, random));
  if (absl::Status status = spool->Recover(); !status.ok()) return status;
  return spool;
}

// The inode numbers tell a folder that was copied, the machine's identity a card that was cloned.
std::string Spool::IdentityFor(const SpoolFile& file) const {
  const std::string text =
      absl::StrCat(options_.machine_identity, "/", directory_identity_, "/", file.Identity());
  return HexEncode(AsBytes(Sha256(text)));
}

absl::Status Spool::Recover() {
  const std::string& directory = options_.directory;
  if (absl::Status status = file_system_->CreateDirectory(directory); !status.ok()) return status;
  auto lock = file_system_->LockFile(PathOf("lock"));
  if (!lock.ok()) return lock.status();
  lock_ = *std::move(lock);
  auto identity = file_system_->DirectoryIdentity(directory);
  if (!identity.ok()) return identity.status();
  directory_identity_ = *identity;

  std::optional<SpoolLedger> clean;
  if (auto text = ReadWholeFile(file_system_, PathOf(kCleanFile), kMaxLedgerBytes); text.ok()) {
    clean = SpoolLedger::Decode(*text);
    auto file = file_system_->Open(PathOf(kCleanFile));
    if (clean.has_value() && (!file.ok() || clean->identity != IdentityFor(**file))) {
      options_.warn("this spool is a copy of another");
      clean->epoch = 0;  // its cursors are still good
    }
  }
  // Gone for good before anything is appended: a crash from here on is seen by the next open.
  const absl::Status removed = file_system_->Remove(PathOf(kCleanFile));
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  if (absl::Status status = file_system_->SyncDirectory(directory); !status.ok()) return status;

  auto files = file_system_->List(directory);
  if (!files.ok()) return files.status();
  std::vector<SegmentName> names;
  for (const std::string& file : *files) {
    if (const auto name = SegmentName::Parse(file)) names.push_back(*name);
  }
  std::sort(names.begin(), names.end(), [](const SegmentName& a, const SegmentName& b) {
    return std::pair(a.generation, a.index) < std::pair(b.generation, b.index);
  });
  std::optional<SpoolLedger> cursors;
  if (auto text = ReadWholeFile(file_system_, PathOf(kCursorsFile), kMaxLedgerBytes); text.ok()) {
    cursors = SpoolLedger::Decode(*text);
  }

  bool newest_damaged = false;
  for (const SegmentName& name : names) {
    const bool whole = RecoverSegment(name);
    if (!whole && clean.has_value() && name.epoch == clean->epoch) newest_damaged = true;
  }

  MutexLock mutex_lock(&mutex_);
  for (const auto* ledger : {&cursors, &clean}) {
    if (!ledger->has_value()) continue;
    last_generation_ = std::max(last_generation_, (*ledger)->generation);
    for (const auto& [epoch, acked] : (*ledger)->acked) {
      EpochState* state = FindEpoch(epoch);
      for (int lane = 0; state != nullptr && lane < kSpoolLanes; ++lane) {
        state->acked[lane] = std::max(state->acked[lane], std::min(acked[lane], state->last[lane]));
      }
    }
  }
  if (clean.has_value() && clean->epoch != 0) {
    AdoptClean(*clean, newest_damaged);
  } else {
    BeginEpoch();
  }
  ForgetDrainedEpochs();
  DcheckEpochs();
  return absl::OkStatus();
}

bool Spool::RecoverSegment(const SegmentName& name) {
  next_index_ = std::max(next_index_, name.index + 1);
  const std::string path = PathOf(name.ToString());
  auto segment = std::make_shared<Segment>(name);
  auto file = file_system_->Open(path);
  const auto size = file.ok() ? (*file)->Size() : file.status();
  if (!size.ok()) {
    options_.warn(absl::StrCat("left alone: ", size.status().message()));
    MutexLock lock(&mutex_);
    ++stats_.damaged_places;
    last_generation_ = std::max(last_generation_, name.generation);
    return false;
  }
  SegmentReader reader(file->get(), name.epoch, kSegmentHeaderBytes,
                       std::max<uint64_t>(*size, kSegmentHeaderBytes));
  std::vector<SegmentRecord> records;
  uint32_t synced = 0;
  while (auto record = reader.Next(/*with_payload=*/false)) {
    synced = std::max(synced, record->synced);
    records.push_back(*std::move(record));
  }
  // The end: where a torn write begins, and before an append whose last record is missing.
  uint64_t end = kSegmentHeaderBytes;
  size_t whole = 0, complete = 0;
  for (; whole < records.size(); ++whole) {
    if (records[whole].follows_damage && end >= synced) break;
    end = records[whole].end_offset;
    if (!records[whole].more) complete = whole + 1;
  }
  const bool damaged = reader.damaged() || complete < records.size();
  records.resize(complete);
  for (const SegmentRecord& record : records) {
    segment->Add(record.lane, record.sequence, record.offset);
  }
  const bool any = !records.empty();
  if (any) segment->durable_bytes = records.back().end_offset;

  if (!any && !reader.unreadable()) {
    // Nothing that anybody was told is safe.
    file->reset();
    file_system_->Remove(path).IgnoreError();
  }
  MutexLock lock(&mutex_);
  last_generation_ = std::max(last_generation_, name.generation);
  if (damaged) ++stats_.damaged_places;
  if (!any) return !damaged;
  EpochState* state = FindEpoch(name.epoch);
  if (state == nullptr) {
    EpochState fresh;
    fresh.epoch = name.epoch;
    fresh.generation = name.generation;
    epochs_.push_back(fresh);
    state = &epochs_.back();
  }
  for (int lane = 0; lane < kSpoolLanes; ++lane) {
    const Segment::Span& span = segment->lanes[lane];
    if (span.first == 0) continue;
    // What came before the first record that is left, went because it was acked.
    if (state->last[lane] == 0) state->acked[lane] = span.first - 1;
    state->last[lane] = std::max(state->last[lane], span.last);
  }
  segments_.push_back(std::move(segment));
  return !damaged;
}

void Spool::AdoptClean(const SpoolLedger& clean, bool newest_damaged) {
  const EpochState* found = FindEpoch(clean.epoch);
  EpochState state = found != nullptr ? *found : EpochState{};
  bool complete = !newest_damaged;
  const auto acked = clean.acked.find(clean.epoch);
  for (int lane = 0; lane < kSpoolLanes; ++lane) {
    const uint64_t through = acked == clean.acked.end() ? 0 : acked->second[lane];
    // Everything that is not acked must be here, and nothing that came after the marker.
    if (state.last[lane] > clean.last[lane]) complete = false;
    if (state.last[lane] < clean.last[lane] && through < clean.last[lane]) complete = false;
  }
  if (!complete) {
    options_.warn("the newest records of the spool are damaged or missing");
    BeginEpoch();
    return;
  }
  state.epoch = clean.epoch;
  state.generation = clean.generation;
  for (int lane = 0; lane < kSpoolLanes; ++lane) {
    state.last[lane] = clean.last[lane];
    if (acked != clean.acked.end()) state.acked[lane] = acked->second[lane];
  }
  std::erase_if(epochs_, [&](const EpochState& other) { return other.epoch == clean.epoch; });
  epochs_.push_back(state);
}

}  // namespace latchwire::edge
