// Recovery jobs: many deliveries made pending again, in steps of a bounded size.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/domain/recovery_job.h"
#include "core/domain/webhook_stats.h"

namespace latchwire {

// Starts a job. `job` brings its tenant, filter, id and create_time; the store decides everything
// else. Fails with QUOTA_EXCEEDED if kMaxRunningRecoveryJobs of the tenant run already, with
// WEBHOOK_NOT_FOUND.
struct CreateRecoveryJob {
  RecoveryJob job;

  struct Result {
    RecoveryJob job;
  };
};

// Looks at the next deliveries of a running job and makes those that fit pending, as RetryDelivery
// does (a succeeded one too, if the job asks for it). A job that is over is left as it is.
// Fails with RECOVERY_JOB_NOT_FOUND.
struct StepRecoveryJob {
  TenantId tenant = 0;
  std::string id;
  absl::Time now;
  int limit = 1000;  // deliveries

  struct Result {
    RecoveryJob job;                   // as it is now
    std::vector<WebhookKey> webhooks;  // that got work, each once
    std::vector<WebhookStats> stats;
  };
};

// Ends a running job; what was recovered stays recovered. Fails with RECOVERY_JOB_STATE if it is
// over already, with RECOVERY_JOB_NOT_FOUND.
struct CancelRecoveryJob {
  TenantId tenant = 0;
  std::string id;
  absl::Time now;

  struct Result {
    RecoveryJob job;  // as it is now
  };
};

}  // namespace latchwire
