// Tells when events come faster than a quick receiver can be served, so that whoever accepts them
// may wait a moment: what fits in memory is delivered from there, the rest has to be written,
// forgotten and read again, which costs time that delivery then lacks.
//
// Only quick, healthy receivers count. Slow and failing ones never make anybody wait: what is
// theirs stays in the store, however much it is.
#pragma once

#include <cstddef>

#include "absl/time/time.h"

namespace latchwire {

class Crowding {
 public:
  // Answers that take longer than this on average are slow.
  static constexpr absl::Duration kQuick = absl::Milliseconds(50);

  void OnAnswer(absl::Duration duration) { average_ += (duration - average_) / 8; }

  // From half of `capacity` on it is crowded, and until three eighths are left. Says whether that
  // has changed.
  bool Update(size_t ready_count, size_t capacity, bool healthy) {
    const size_t bound = crowded_ ? capacity / 8 * 3 : capacity / 2;
    const bool now = healthy && ready_count > bound && average_ <= kQuick;
    const bool changed = now != crowded_;
    crowded_ = now;
    return changed;
  }
  bool crowded() const { return crowded_; }

 private:
  absl::Duration average_;
  bool crowded_ = false;
};

}  // namespace latchwire
