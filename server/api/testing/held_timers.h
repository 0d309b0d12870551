// An executor whose tasks run when the test says so.
#pragma once

#include <iterator>
#include <utility>
#include <vector>

#include "core/base/executor.h"
#include "core/base/mutex.h"

namespace latchwire {

// Thread-safe.
class HeldTimers : public Executor {
 public:
  void Post(Task task) override { PostAfter(absl::ZeroDuration(), std::move(task)); }
  void PostAfter(absl::Duration delay, Task task) override {
    MutexLock lock(&mutex_);
    held_.emplace_back(delay, std::move(task));
  }

  // Runs, on this thread, all tasks held that were posted with a delay of at most `delay`; how many
  // there were.
  size_t RunUpTo(absl::Duration delay) {
    std::vector<std::pair<absl::Duration, Task>> due;
    {
      MutexLock lock(&mutex_);
      std::vector<std::pair<absl::Duration, Task>> later;
      for (auto& entry : held_) (entry.first <= delay ? due : later).push_back(std::move(entry));
      held_ = std::move(later);
    }
    for (auto& [unused, task] : due) task();
    return due.size();
  }

 private:
  Mutex mutex_;
  std::vector<std::pair<absl::Duration, Task>> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire
