// Where work runs, injected as a dependency. Production uses an event loop; the simulation runs
// tasks in simulated time, in an order that only the seed decides.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace latchwire {

// A single-threaded event loop: tasks never overlap, and tasks posted by one thread run in the
// order posted. Post and PostAfter may be called from any thread, also from inside a task.
class Executor {
 public:
  using Task = absl::AnyInvocable<void()>;

  virtual ~Executor() = default;
  virtual void Post(Task task) = 0;
  // Runs `task` once `delay` has passed on the monotonic clock. Tasks cannot be cancelled: one that
  // may be out of date checks for that when it runs.
  virtual void PostAfter(absl::Duration delay, Task task) = 0;
};

}  // namespace latchwire
