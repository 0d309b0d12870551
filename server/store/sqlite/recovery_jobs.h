// Rows of recovery jobs, and the texts of their reads.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/connection.h"
#include "server/store/store.h"

namespace latchwire::sqlite {

#define LATCHWIRE_RECOVERY_JOB_COLUMNS "tenant, number, id, state, record"
inline constexpr char kFindRecoveryJob[] =
    "SELECT " LATCHWIRE_RECOVERY_JOB_COLUMNS " FROM recovery_job WHERE tenant = ?1 AND id = ?2";
inline constexpr char kListRecoveryJobs[] = "SELECT " LATCHWIRE_RECOVERY_JOB_COLUMNS
                                            " FROM recovery_job WHERE tenant = ?1 AND number < ?2"
                                            " ORDER BY number DESC LIMIT ?3";
inline constexpr char kRunningRecoveryJobs[] = "SELECT " LATCHWIRE_RECOVERY_JOB_COLUMNS
                                               " FROM recovery_job INDEXED BY recovery_job_running"
                                               " WHERE state = 1 ORDER BY tenant, number";
inline constexpr char kCountRunningRecoveryJobs[] =
    "SELECT count(*) FROM recovery_job INDEXED BY recovery_job_running"
    " WHERE state = 1 AND tenant = ?1";
// What a step looks at.
inline constexpr char kNextWebhook[] =
    "SELECT key FROM webhook WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1";
inline constexpr char kDeliveriesFrom[] =
    "SELECT number, state, created FROM delivery WHERE webhook = ?1 AND number >= ?2"
    " AND number <= ?3 ORDER BY number LIMIT ?4";

// A row of LATCHWIRE_RECOVERY_JOB_COLUMNS.
absl::Status RecoveryJobFrom(const Query& row, RecoveryJob* job);

}  // namespace latchwire::sqlite
