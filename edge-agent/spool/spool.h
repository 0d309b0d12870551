// The agent's durable queue: keeps each event from the answer to the device to the server's ack.
//
// Opaque records go into lanes 0 to 3 and are numbered 1, 2, 3, ... within (epoch, lane). The epoch
// is a random number that names one unbroken life of the spool. A new one begins when the spool is
// created, when it is opened after anything but a clean close or as a copy, when its newest records
// turn out damaged, and after a write or fsync whose effect is unknown. What was durable before
// keeps the (epoch, lane, sequence) it was born with, so that the server recognises what it already
// has even if its ack was lost: a spool may hold several epochs, and the uplink drains the oldest
// first. A number of an epoch is never given twice, and nothing is ever added to an epoch that
// ended.
//
// The format is in segment.h and ledger.h. Freeing space only unlinks files, which a full disk
// allows; nothing is rewritten, which spares flash cards.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/base/random.h"
#include "edge-agent/spool/file_system.h"
#include "edge-agent/spool/ledger.h"
#include "edge-agent/spool/segment.h"

namespace latchwire::edge {

struct SpoolOptions {
  std::string directory;
  // Limit for all segments together; an append past it is refused.
  uint64_t max_bytes = 256 * 1024 * 1024;
  // A segment that has reached this length is closed. It is removed as a whole.
  uint64_t segment_bytes = 4 * 1024 * 1024;
  // Limit for the payload of appends that wait for the disk; an append past it is refused.
  size_t max_waiting_bytes = 8 * 1024 * 1024;
  // How long acks may wait before they are written to the cursors file.
  absl::Duration cursor_delay = absl::Seconds(5);
  // Text that differs between machines, such as a serial number, without spaces. By it the spool
  // notices that its card was cloned into another machine.
  std::string machine_identity = "unknown";
  // Receives damage and faults in words for an operator's log. Called from any thread.
  std::function<void(absl::string_view)> warn = [](absl::string_view) {};
};

struct SpoolRecord {
  int lane = 0;
  std::string payload;  // at most kMaxRecordBytes
};

struct SpooledRecord {
  uint64_t sequence = 0;
  // CRC-32C of the record on disk, so equal each time that it is read.
  uint32_t checksum = 0;
  std::string payload;
};

struct SpoolLaneRange {
  uint64_t first = 1;  // the first that is not acked; one past `last` when there is none
  uint64_t last = 0;   // the last that was given; 0 when there is none
  bool empty() const { return first > last; }
};

struct SpoolEpoch {
  uint64_t epoch = 0;
  bool current = false;  // appends go here; always the last one listed
  std::array<SpoolLaneRange, kSpoolLanes> lanes;
  bool empty() const {
    for (const SpoolLaneRange& lane : lanes) {
      if (!lane.empty()) return false;
    }
    return true;
  }
};

struct SpoolStats {
  uint64_t bytes = 0;
  uint64_t held_records = 0;  // durable and not acked
  uint64_t refused_appends = 0;
  uint64_t failed_appends = 0;
  uint64_t damaged_places = 0;
  int segments = 0;
};

// Thread-safe. All writing happens on `executor`, which may block on the disk and must have stopped
// before the spool is destroyed. Destruction without Close leaves the spool as a crash does.
class Spool {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;

  // Blocks while it reads the segments. FAILED_PRECONDITION when another process has the spool.
  // Damage is not an error: every readable record is kept.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(SpoolOptions options,
                                                     SpoolFileSystem* file_system,
                                                     Executor* executor, Random* random);
  ~Spool();

  // Appends all records or none; calls `done` on the executor once they are durable (one fsync
  // covers all appends that wait). RESOURCE_EXHAUSTED: full, nothing was kept, try again later;
  // UNAVAILABLE: the disk failed or the spool is closing; INVALID_ARGUMENT: no or too long a
  // record.
  void Append(std::vector<SpoolRecord> records, Done done);

  // Called on the executor after records became durable or an epoch began. Set before first use.
  void SetListener(absl::AnyInvocable<void()> listener);

  // Oldest first. Ended epochs that hold nothing are gone; the current one is always there.
  std::vector<SpoolEpoch> Epochs() const;

  // Returns durable records of (epoch, lane) after `after`, in order: at most `max_records`, and at
  // most `max_bytes` of payload, but at least one if there is one. A hole in the sequences is damage.
  // An unknown epoch has no records. Blocks on the disk. One thread at a time may call it.
  std::vector<SpooledRecord> Read(uint64_t epoch, int lane, uint64_t after, size_t max_records,
                                  size_t max_bytes);

  // Notes that the server has everything of (epoch, lane) up to `through`; smaller values than
  // before change nothing. Segments of which nothing is left are removed later, on the executor.
  void Acked(uint64_t epoch, int lane, uint64_t through);

  // Ends the current epoch, because its numbers turned out to be used by another copy of it.
  void StartNewEpoch(absl::string_view reason);

  // Refuses new appends, finishes those that wait, and marks the spool as clean, so that the next
  // Open continues this epoch. Calls `done` on the executor.
  void Close(Done done);

  SpoolStats Stats() const;

 private:
  struct Segment;
  struct EpochState;
  struct Waiting;

  Spool(SpoolOptions options, SpoolFileSystem* file_system, Executor* executor, Random* random);

  // Called by Open.
  absl::Status Recover();
  bool RecoverSegment(const SegmentName& name);  // whether nothing of it was damaged
  void AdoptClean(const SpoolLedger& clean, bool newest_damaged)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string IdentityFor(const SpoolFile& file) const;

  // These run on the executor.
  void Flush();
  void FlushGroup(std::vector<Waiting> group);
  absl::Status WriteGroup(const std::vector<Waiting>& group);
  absl::Status OpenActive();
  void AbandonActive(absl::string_view reason);
  void RemoveAcked();
  void WriteCursors();
  void FinishClose(Done done);
  absl::Status WriteLedger(const std::string& name, bool with_identity);

  void BeginEpoch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  EpochState* FindEpoch(uint64_t epoch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool FullyAcked(const Segment& segment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetDrainedEpochs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SpoolLedger MakeLedger() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DcheckEpochs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string PathOf(absl::string_view name) const;

  const SpoolOptions options_;
  SpoolFileSystem* const file_system_;
  Executor* const executor_;
  Random* const random_;
  std::unique_ptr<SpoolFileSystem::Lock> lock_;
  absl::AnyInvocable<void()> listener_;
  uint64_t directory_identity_ = 0;

  mutable Mutex mutex_;
  std::vector<EpochState> epochs_ ABSL_GUARDED_BY(mutex_);  // oldest first, the current one last
  std::deque<std::shared_ptr<Segment>> segments_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool flush_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool removal_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool cursors_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  uint32_t last_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  SpoolStats stats_ ABSL_GUARDED_BY(mutex_);

  // Used on the executor only.
  std::shared_ptr<Segment> active_;  // its file is open for appending
  uint32_t next_index_ = 1;
  bool closed_ = false;
  // Appends refused since the last one that was kept: only the first of them is logged.
  uint64_t refused_since_ = 0;

  // Where Read stopped in each lane, so that the next Read does not start at the front. Dropped with
  // the segment, because a file that is unlinked but open still takes room on the disk.
  struct ReadPosition;
  std::array<std::unique_ptr<ReadPosition>, kSpoolLanes> positions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire::edge
