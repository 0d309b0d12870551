// A webhook's retry policy: protobuf <-> domain, as the user wrote it. Thread-safe.
#pragma once

#include <vector>

#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "latchwire/v1/webhook.pb.h"

namespace latchwire {

void ToProto(const RetryPolicy& policy, v1::RetryPolicy* proto);

// An absent schedule means `otherwise`. Adds violations of the form, such as two schedules at once;
// Validate checks the ranges of `exponential` and `delays`.
RetryPolicy RetryPolicyFromProto(const v1::RetryPolicy& proto, const RetryPolicy& otherwise,
                                 std::vector<FieldViolation>* violations);

}  // namespace latchwire
