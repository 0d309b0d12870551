// Runs recovery jobs to their end, step by step.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "server/state/writer.h"
#include "server/store/store.h"

namespace latchwire {

// Steps all running jobs in turn: submits one mutation at a time, each of a bounded size, and after
// each rests three times as long as it took. The store holds a job's position, so a job continues
// after a restart. Memory: the names of the running jobs, of which each tenant has a bounded number.
//
// Thread-safe. Outlives the writer's last step; the executor outlives the mutation in flight.
class RecoveryRunner : public CommitObserver, public std::enable_shared_from_this<RecoveryRunner> {
 public:
  RecoveryRunner(Executor* executor, Clock* clock, Writer* writer)
      : executor_(*executor), clock_(*clock), writer_(*writer) {}

  // Continues the jobs that the store has as running; the store's error if it cannot be read.
  // Called once, after the runner was added to the writer's observers and before the writer's first
  // step.
  absl::Status Start(Store* store);
  void OnCommitted(const WrittenBatch& batch) override;

 private:
  using JobName = std::pair<TenantId, std::string>;

  void Wait(absl::Duration delay);
  void Step();
  void Ended(const JobName& job, absl::Duration start,
             const absl::StatusOr<StepRecoveryJob::Result>& stepped);

  Executor& executor_;
  Clock& clock_;
  Writer& writer_;
  Mutex mutex_;
  std::deque<JobName> jobs_ ABSL_GUARDED_BY(mutex_);  // without the one that is being stepped
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;         // a step is in flight, or due
};

}  // namespace latchwire
