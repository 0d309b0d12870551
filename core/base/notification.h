// Something that happens once, for a thread to wait for.
#pragma once

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace latchwire {

// Thread-safe. Outlives every call of Notify, so a waiter that may give up shares it with whoever
// notifies.
class Notification {
 public:
  // May be called again, without effect.
  void Notify() {
    MutexLock lock(&mutex_);
    notified_ = true;
    changed_.NotifyAll();
  }

  // Blocks until Notify was called, `timeout` of real time at most. Whether it was.
  bool WaitFor(absl::Duration timeout) {
    const absl::Duration end = SystemClock()->Monotonic() + timeout;
    MutexLock lock(&mutex_);
    while (!notified_) {
      const absl::Duration left = end - SystemClock()->Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(left));
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace latchwire
