#include "server/jobs/recovery_runner.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

// Deliveries that one step looks at.
constexpr int kStep = 500;
constexpr absl::Duration kLeastBreather = absl::Milliseconds(5);
constexpr absl::Duration kLongestBreather = absl::Seconds(1);
// After a step that the store could not do.
constexpr absl::Duration kErrorDelay = absl::Seconds(1);

}  // namespace

absl::Status RecoveryRunner::Start(Store* store) {
  const auto jobs = store->LoadRunningRecoveryJobs();
  if (!jobs.ok()) return jobs.status();
  {
    MutexLock lock(&mutex_);
    LATCHWIRE_CHECK(!busy_ && jobs_.empty(), "Start comes once, before the first commit");
    for (const RecoveryJob& job : *jobs) jobs_.emplace_back(job.tenant, job.id);
    busy_ = !jobs_.empty();
    if (!busy_) return absl::OkStatus();
  }
  Wait(kLeastBreather);
  return absl::OkStatus();
}

void RecoveryRunner::OnCommitted(const WrittenBatch& batch) {
  bool start = false;
  batch.ForEach(Visitor{[&](const CreateRecoveryJob&, const CreateRecoveryJob::Result& created) {
    MutexLock lock(&mutex_);
    jobs_.emplace_back(created.job.tenant, created.job.id);
    start |= !busy_;
    busy_ = true;
  }});
  if (start) Wait(kLeastBreather);
}

void RecoveryRunner::Wait(absl::Duration delay) {
  executor_.PostAfter(delay, [self = shared_from_this()] { self->Step(); });
}

void RecoveryRunner::Step() {
  StepRecoveryJob step;
  JobName job;
  {
    MutexLock lock(&mutex_);
    LATCHWIRE_CHECK(busy_, "one step at a time");
    if (jobs_.empty()) {
      busy_ = false;
      return;
    }
    job = std::move(jobs_.front());
    jobs_.pop_front();
  }
  step.tenant = job.first;
  step.id = job.second;
  step.now = clock_.Now();
  step.limit = kStep;
  const absl::Duration start = clock_.Monotonic();
  writer_.Submit(std::move(step),
                 [self = shared_from_this(), job, start](const Written<StepRecoveryJob>& written) {
                   self->Ended(job, start, written.result);
                 });
}

void RecoveryRunner::Ended(const JobName& job, absl::Duration start,
                           const absl::StatusOr<StepRecoveryJob::Result>& stepped) {
  const std::string reason(ReasonOf(stepped.status()));
  if (reason == error_reason::kShuttingDown) return;
  const bool gone = reason == error_reason::kRecoveryJobNotFound;
  const bool over = stepped.ok() && stepped->job.state != RecoveryJobState::kRunning;
  if (!gone && !over) {
    MutexLock lock(&mutex_);
    jobs_.push_back(job);
  }
  const absl::Duration took = clock_.Monotonic() - start;
  Wait(stepped.ok() || gone ? std::clamp(3 * took, kLeastBreather, kLongestBreather) : kErrorDelay);
}

}  // namespace latchwire
