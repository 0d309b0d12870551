// The Standard Webhooks signature scheme. The header `webhook-signature` is a list of
// `<version>,<signature>` items, separated by spaces: one per secret during a rotation, and one per
// version. We sign and verify `v1`, which is symmetric: base64 of HMAC-SHA256 over
// `<webhook-id>.<webhook-timestamp>.<body>`. An item of any other version is skipped.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/signatures/verification.h"

namespace latchwire {

inline constexpr absl::string_view kStandardSecretPrefix = "whsec_";

// Decodes the key out of `whsec_<base64>`; the prefix may be left out. nullopt if the rest is not
// base64, or empty.
std::optional<std::string> DecodeStandardSecret(absl::string_view secret);

// Returns the value of `webhook-signature`: one `v1` item per key, in the order of `keys`, which
// are decoded and not empty. `timestamp` is in Unix seconds. No key gives an empty value.
std::string SignStandard(absl::Span<const absl::string_view> keys, absl::string_view message_id,
                         absl::string_view timestamp, absl::string_view body);

// Reads `webhook-id`, `webhook-timestamp` and `webhook-signature`; OK when one `v1` item fits one
// of `secrets`, which are as users write them.
absl::Status VerifyStandard(absl::Span<const std::string> secrets, SignatureHeaders headers,
                            absl::string_view body, absl::Time now,
                            absl::Duration tolerance = kDefaultVerifyTolerance);

}  // namespace latchwire
