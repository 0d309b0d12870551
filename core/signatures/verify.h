// Verifies the signature of a webhook that arrived: at the agent's intake, in the C++ client and in
// our own tests. tests/vectors states every rule as cases.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace latchwire {

using VerifyHeaders = absl::Span<const std::pair<std::string, std::string>>;  // names in any case

inline constexpr absl::Duration kDefaultVerifyTolerance = absl::Minutes(5);

// All three compare in constant time, and are OK when one of `secrets` fits (several: during a
// rotation). Otherwise UNAUTHENTICATED with the reason (ReasonOf of core/domain/error.h)
// HEADER_MISSING, TIMESTAMP_INVALID, TIMESTAMP_OUT_OF_TOLERANCE or SIGNATURE_MISMATCH; or
// FAILED_PRECONDITION with SECRET_INVALID, which is the caller's mistake: no secret, an empty one,
// or one that can't be decoded. The time may be off by `tolerance` either way, inclusive.

// Standard Webhooks, symmetric (v1): `webhook-id`, `webhook-timestamp`, `webhook-signature`.
absl::Status VerifyStandard(absl::Span<const std::string> secrets, VerifyHeaders headers,
                            absl::string_view body, absl::Time now,
                            absl::Duration tolerance = kDefaultVerifyTolerance);

// Twenty CRM: `X-Twenty-Webhook-Timestamp`, `X-Twenty-Webhook-Signature`.
absl::Status VerifyTwenty(absl::Span<const std::string> secrets, VerifyHeaders headers,
                          absl::string_view body, absl::Time now,
                          absl::Duration tolerance = kDefaultVerifyTolerance);

// Door panels: `X-Webhook-Signature` over the body alone, so a copied request stays valid.
absl::Status VerifyPanel(absl::Span<const std::string> secrets, VerifyHeaders headers,
                         absl::string_view body);

}  // namespace latchwire
