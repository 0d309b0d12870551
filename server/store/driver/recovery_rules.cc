#include "server/store/driver/recovery_rules.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "core/base/check.h"
#include "core/domain/limits.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"

namespace latchwire {
namespace {

void End(RecoveryJobState state, absl::Time now, RecoveryJob* job) {
  LATCHWIRE_CHECK(job->state == RecoveryJobState::kRunning, job->id);
  job->state = state;
  job->end_time = ToStoredTime(now);
}

}  // namespace

absl::StatusOr<RecoveryJob> NewRecoveryJob(const CreateRecoveryJob& create, size_t running,
                                           int64_t number, int64_t last_number) {
  if (running >= kMaxRunningRecoveryJobs) return TooManyRecoveryJobsError();
  RecoveryJob job = create.job;
  job.number = number;
  job.last_number = last_number;
  job.next_uid = std::max<int64_t>(job.webhook_uid, 1);
  job.next_number = 0;  // from the first that may fit
  job.state = RecoveryJobState::kRunning;
  job.examined_count = job.recovered_count = 0;
  job.create_time = ToStoredTime(job.create_time);
  job.created_from = ToStoredTime(job.created_from);
  job.created_before = ToStoredTime(job.created_before);
  job.end_time = absl::InfiniteFuture();
  return job;
}

bool WantsDelivery(const RecoveryJob& job, DeliveryState state, absl::Time create_time) {
  return state != DeliveryState::kPending && absl::c_linear_search(job.states, state) &&
         create_time >= job.created_from && create_time < job.created_before;
}

void EnterWebhook(int64_t webhook_uid, RecoveryJob* job) {
  LATCHWIRE_DCHECK(webhook_uid >= job->next_uid);
  if (webhook_uid != job->next_uid) job->next_number = 0;
  job->next_uid = webhook_uid;
}

void LeaveWebhook(RecoveryJob* job) {
  ++job->next_uid;
  job->next_number = 0;
}

void Finish(absl::Time now, RecoveryJob* job) { End(RecoveryJobState::kSucceeded, now, job); }

absl::StatusOr<RecoveryJob> Cancelled(const CancelRecoveryJob& cancel, RecoveryJob job) {
  if (job.state != RecoveryJobState::kRunning) return RecoveryJobStateError(cancel.id);
  End(RecoveryJobState::kCancelled, cancel.now, &job);
  return job;
}

}  // namespace latchwire
