#include "core/base/testing/simulated_world.h"

#include <algorithm>

namespace latchwire {

void SimulatedExecutor::PostAfter(absl::Duration delay, Task task) {
  const absl::Time time = clock_->now_ + std::max(delay, absl::ZeroDuration());
  if (time == absl::InfiniteFuture()) return;  // never
  tasks_.emplace(std::make_pair(time, next_sequence_++), std::move(task));
}

bool SimulatedExecutor::RunOne() {
  if (tasks_.empty()) return false;
  auto node = tasks_.extract(tasks_.begin());
  clock_->now_ = std::max(clock_->now_, node.key().first);
  std::move(node.mapped())();
  return true;
}

void SimulatedExecutor::RunFor(absl::Duration duration) {
  const absl::Time end = clock_->now_ + duration;
  while (!tasks_.empty() && tasks_.begin()->first.first <= end) RunOne();
  clock_->now_ = std::max(clock_->now_, end);
}

size_t SimulatedExecutor::RunUntilIdle(size_t limit) {
  size_t count = 0;
  while (count < limit && RunOne()) ++count;
  return count;
}

}  // namespace latchwire
