// The signature scheme of Twenty CRM: hex HMAC-SHA256 over `<timestamp>:<body>`, keyed with the
// secret's text. The timestamp is in Unix milliseconds; the nonce that comes with it is not signed.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/signatures/verification.h"

namespace latchwire {

// Returns the value of `X-Twenty-Webhook-Signature`.
std::string SignTwenty(absl::string_view secret, absl::string_view timestamp,
                       absl::string_view body);

// Reads `X-Twenty-Webhook-Timestamp` and `X-Twenty-Webhook-Signature`.
absl::Status VerifyTwenty(absl::Span<const std::string> secrets, SignatureHeaders headers,
                          absl::string_view body, absl::Time now,
                          absl::Duration tolerance = kDefaultVerifyTolerance);

}  // namespace latchwire
