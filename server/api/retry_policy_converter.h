// A webhook's retry policy: protobuf <-> domain, as the user wrote it.
#pragma once

#include <vector>

#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "latchwire/v1/webhook.pb.h"

namespace latchwire {

void ToProto(const RetryPolicy& policy, v1::RetryPolicy* proto);

// `otherwise` is what an absent schedule means. Adds what is wrong with the form; values out of
// their range are Validate's business, which finds them in `exponential` or `delays`.
RetryPolicy RetryPolicyFromProto(const v1::RetryPolicy& proto, const RetryPolicy& otherwise,
                                 std::vector<FieldViolation>* violations);

}  // namespace latchwire
