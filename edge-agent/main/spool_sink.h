// The intake's events into the spool, and whether the spool takes them.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "edge-agent/sources/event_sink.h"
#include "edge-agent/spool/spool.h"

namespace latchwire::edge {

enum class StoreCondition {
  kTaking,
  kDoubtful,  // the last append failed a while ago, and none came since
  kFull,      // what came last does not fit; goes by itself once the server acks
  kFailing,   // the disk failed within the last 30 s
};

// Judges the spool by what became of the last append, and by the room that is left. Thread-safe.
class StoreWatch {
 public:
  // For how long a failure speaks for the time after it. Nothing tries the disk but the next event.
  static constexpr absl::Duration kFailureCounts = absl::Seconds(30);

  StoreWatch(uint64_t max_bytes, const Clock* clock) : max_bytes_(max_bytes), clock_(clock) {}

  // An append of `needed_bytes` on the disk ended so, when the spool had `spool_bytes`.
  void Note(const absl::Status& status, uint64_t needed_bytes, uint64_t spool_bytes);
  // Now that it has `spool_bytes`.
  StoreCondition Judge(uint64_t spool_bytes) const;

 private:
  const uint64_t max_bytes_;
  const Clock* const clock_;
  // Whether the last append failed; so that one that goes well after another takes no lock.
  std::atomic<bool> failed_{false};
  mutable Mutex mutex_;
  absl::StatusCode last_ ABSL_GUARDED_BY(mutex_) = absl::StatusCode::kOk;
  absl::Duration last_time_ ABSL_GUARDED_BY(mutex_);  // monotonic
  uint64_t needed_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t spool_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Thread-safe.
class SpoolSink : public EventSink {
 public:
  // Both outlive the sink and all appends.
  SpoolSink(Spool* spool, StoreWatch* watch) : spool_(spool), watch_(watch) {}
  void Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) override;

 private:
  Spool* const spool_;
  StoreWatch* const watch_;
};

}  // namespace latchwire::edge
