// A clock and an executor in simulated time: time passes only when RunUntil or Advance says so.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "core/base/clock.h"
#include "core/base/executor.h"

namespace latchwire {

class SimulatedClock : public Clock {
 public:
  explicit SimulatedClock(absl::Time start) : now_(start) {}
  absl::Time Now() const override { return now_ + wall_jump_; }
  absl::Duration Monotonic() const override { return now_ - absl::UnixEpoch(); }
  void AdvanceTo(absl::Time time) { now_ = time; }  // only the executor should call this
  // Moves the wall clock alone, as an operator or NTP would.
  void JumpWall(absl::Duration by) { wall_jump_ += by; }

 private:
  friend class SimulatedExecutor;
  absl::Time now_;
  absl::Duration wall_jump_;
};

// Runs tasks in the order of their time, then of their posting. Not thread-safe: one thread posts
// and runs. Exactly repeatable.
class SimulatedExecutor : public Executor {
 public:
  explicit SimulatedExecutor(SimulatedClock* clock) : clock_(clock) {}
  void Post(Task task) override { PostAfter(absl::ZeroDuration(), std::move(task)); }
  void PostAfter(absl::Duration delay, Task task) override;

  // Runs the next task, moving the clock to its time. False when there is none.
  bool RunOne();
  // Runs all tasks due within `duration` from now, then moves the clock to its end.
  void RunFor(absl::Duration duration);
  // Runs until no task is left or `limit` tasks have run; returns how many ran.
  size_t RunUntilIdle(size_t limit = 1'000'000);
  size_t pending() const { return tasks_.size(); }
  // Drops every task, as a crash would.
  void Clear() { tasks_.clear(); }

 private:
  SimulatedClock* const clock_;
  uint64_t next_sequence_ = 0;
  std::map<std::pair<absl::Time, uint64_t>, Task> tasks_;
};

}  // namespace latchwire
