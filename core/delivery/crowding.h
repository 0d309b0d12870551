// Tells when events arrive faster than a quick receiver can be served, so that ingest backs off
// briefly: events that fit in memory are delivered from there, while the rest must be read back
// from the store, which takes time away from delivery.
//
// Only quick, healthy receivers count. Slow and failing ones never make ingest wait: their backlog
// stays in the store, however large it is. A pure state machine; belongs to one thread.
#pragma once

#include <cstddef>

#include "absl/time/time.h"

namespace latchwire {

class Crowding {
 public:
  // A receiver whose answers take longer than this on average is slow.
  static constexpr absl::Duration kQuick = absl::Milliseconds(50);

  void OnAnswer(absl::Duration duration) { average_ += (duration - average_) / 8; }

  // A queue is crowded from half of its capacity on, until it has drained to three eighths. Returns
  // whether that has changed. `healthy`: its attempts succeed and no limit of its own holds them.
  bool Update(size_t ready_count, size_t capacity, bool healthy) {
    const size_t bound = crowded_ ? capacity / 8 * 3 : capacity / 2;
    const bool now = healthy && ready_count > bound && average_ <= kQuick;
    const bool changed = now != crowded_;
    crowded_ = now;
    return changed;
  }
  bool crowded() const { return crowded_; }

 private:
  absl::Duration average_;  // of the last few answers
  bool crowded_ = false;
};

}  // namespace latchwire
