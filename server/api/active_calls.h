// Counts the calls in flight, so that a shutdown waits for them and for nothing else: gRPC's own
// wait also counts idle connections, whose clients may take seconds to answer its goodbye.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace latchwire {

// Thread-safe.
class ActiveCalls {
 public:
  void Begin() {
    MutexLock lock(&mutex_);
    ++count_;
  }
  // Counts a call; after Close it does not and returns false.
  bool TryBegin() {
    MutexLock lock(&mutex_);
    if (!closed_) ++count_;
    return !closed_;
  }
  // From now on the count only falls, however many clients keep calling.
  void Close() {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  bool closed() const {
    MutexLock lock(&mutex_);
    return closed_;
  }
  void End() {
    MutexLock lock(&mutex_);
    if (--count_ == 0) none_.NotifyAll();
  }
  // False if the time ran out first.
  bool WaitForNone(const Clock& clock, absl::Duration timeout) {
    const absl::Duration end = clock.Monotonic() + timeout;
    MutexLock lock(&mutex_);
    while (count_ > 0) {
      const absl::Duration left = end - clock.Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      none_.WaitFor(&mutex_, absl::ToChronoNanoseconds(left));
    }
    return true;
  }

 private:
  mutable Mutex mutex_;
  CondVar none_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace latchwire
