// Recovery jobs: protobuf <-> domain.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/domain/recovery_job.h"
#include "core/domain/validation.h"
#include "latchwire/v1/recovery_job.pb.h"

namespace latchwire {

// `webhook`: the name of job.webhook_uid, which the job does not know; empty when it is 0.
void ToProto(const RecoveryJob& job, absl::string_view webhook, v1::RecoveryJob* proto);

// What a user can set, but for the webhook, which is the caller's to look up. Returns what is
// wrong; paths begin with "recovery_job".
std::vector<FieldViolation> FromProto(const v1::RecoveryJob& proto, RecoveryJob* job);

}  // namespace latchwire
