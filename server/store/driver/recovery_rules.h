// The life of a recovery job. For drivers only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/recovery_job.h"
#include "server/store/mutations/recovery.h"

namespace latchwire {

// The job as it begins: `number` is its own, `last_number` that of the tenant's newest event.
// QUOTA_EXCEEDED if too many, with those that are `running`, would run.
absl::StatusOr<RecoveryJob> NewRecoveryJob(const CreateRecoveryJob& create, size_t running,
                                           int64_t number, int64_t last_number);
// Whether the job wants a delivery in this state, made at this time; its event must fit, too.
bool WantsDelivery(const RecoveryJob& job, DeliveryState state, absl::Time create_time);
// The job goes on with this webhook, or with the next after it.
void EnterWebhook(int64_t webhook_uid, RecoveryJob* job);
void LeaveWebhook(RecoveryJob* job);
// There is nothing more to look at.
void Finish(absl::Time now, RecoveryJob* job);
// The job as it is when cancelled: RECOVERY_JOB_STATE if it is over.
absl::StatusOr<RecoveryJob> Cancelled(const CancelRecoveryJob& cancel, RecoveryJob job);

}  // namespace latchwire
