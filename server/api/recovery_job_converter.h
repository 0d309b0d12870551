// Recovery jobs: protobuf <-> domain. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/domain/recovery_job.h"
#include "core/domain/validation.h"
#include "latchwire/v1/recovery_job.pb.h"

namespace latchwire {

// `webhook` is the name of the webhook with job.webhook_uid, which the job does not know; empty
// when that is 0.
void ToProto(const RecoveryJob& job, absl::string_view webhook, v1::RecoveryJob* proto);

// Sets what a user can set except the webhook, which the caller looks up. Returns what is wrong;
// paths begin with "recovery_job".
std::vector<FieldViolation> FromProto(const v1::RecoveryJob& proto, RecoveryJob* job);

}  // namespace latchwire
