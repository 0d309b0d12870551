// How the spool finds out what it holds.
#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "edge-agent/spool/spool_internal.h"

namespace latchwire::edge {
namespace {

constexpr size_t kMaxLedgerBytes = 1024 * 1024;

}  // namespace

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
