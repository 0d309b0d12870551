#include "server/store/driver_rules.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {

absl::StatusOr<RecoveryJob> GetRecoveryJob(Connection*, TenantId, absl::string_view id) {
  return RecoveryJobNotFoundError(id);
}

absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(Connection*, TenantId, int64_t, int) {
  return std::vector<RecoveryJob>();
}

absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs(Connection*) {
  return std::vector<RecoveryJob>();
}

}  // namespace latchwire::sqlite
