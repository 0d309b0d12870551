#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/reads.h"
#include "server/store/sqlite/recovery_jobs.h"

namespace latchwire::sqlite {
namespace {

absl::StatusOr<std::vector<RecoveryJob>> AllOf(Query query) {
  std::vector<RecoveryJob> jobs;
  while (query.Next()) {
    absl::Status status = RecoveryJobFrom(query, &jobs.emplace_back());
    if (!status.ok()) return status;
  }
  if (!query.status().ok()) return query.status();
  return jobs;
}

}  // namespace

absl::Status RecoveryJobFrom(const Query& row, RecoveryJob* job) {
  job->tenant = row.IntAt(0);
  job->number = row.IntAt(1);
  job->id = row.StringAt(2);
  job->state = static_cast<RecoveryJobState>(row.IntAt(3));
  return UnpackRecoveryJob(row.BytesAt(4), job);
}

absl::StatusOr<RecoveryJob> GetRecoveryJob(Connection* connection, TenantId tenant,
                                           absl::string_view id) {
  Query query = connection->Use(kFindRecoveryJob);
  query.Int(tenant).Text(id);
  if (!query.Next()) return query.status().ok() ? RecoveryJobNotFoundError(id) : query.status();
  RecoveryJob job;
  if (absl::Status status = RecoveryJobFrom(query, &job); !status.ok()) return status;
  return job;
}

absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(Connection* connection, TenantId tenant,
                                                          int64_t before, int limit) {
  Query query = connection->Use(kListRecoveryJobs);
  query.Int(tenant).Int(before == 0 ? INT64_MAX : before).Int(limit);
  return AllOf(std::move(query));
}

absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs(Connection* connection) {
  return AllOf(connection->Use(kRunningRecoveryJobs));
}

}  // namespace latchwire::sqlite
