// Shared by the schemes: the form in which Verify takes a request, and its reasons for refusing
// one. tests/vectors states every rule as cases, for each language that we ship.
//
// A scheme has one file with its Sign and its Verify. All functions are pure and thread-safe. Every
// Verify compares in constant time, tries every secret, so that the time does not reveal which one
// fits, and returns OK if one fits (there are several during a rotation). Otherwise it returns
// UNAUTHENTICATED with one of the reasons below; or FAILED_PRECONDITION with kSecretInvalid, which
// is the caller's own mistake: no secret, an empty one, or one that can't be decoded.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace latchwire {

// (name, value); names are case-insensitive. A header with an empty value counts as missing.
using SignatureHeaders = absl::Span<const std::pair<std::string, std::string>>;

// How far a signed time may be off in either direction, inclusive.
inline constexpr absl::Duration kDefaultVerifyTolerance = absl::Minutes(5);

namespace signature_reason {

inline constexpr absl::string_view kSecretInvalid = "SECRET_INVALID";
inline constexpr absl::string_view kHeaderMissing = "HEADER_MISSING";
inline constexpr absl::string_view kTimestampInvalid = "TIMESTAMP_INVALID";
inline constexpr absl::string_view kTimestampOutOfTolerance = "TIMESTAMP_OUT_OF_TOLERANCE";
inline constexpr absl::string_view kSignatureMismatch = "SIGNATURE_MISMATCH";

}  // namespace signature_reason

// The rest of this file is used by the schemes.

// Returns kSecretInvalid with `message`, which must not contain the secret.
absl::Status SecretInvalid(absl::string_view message);
// Returns kSecretInvalid if there is no secret or one is empty.
absl::Status CheckSecrets(absl::Span<const std::string> secrets);
// The first header of that name with a value, or kHeaderMissing.
absl::StatusOr<absl::string_view> FindSignatureHeader(SignatureHeaders headers,
                                                      absl::string_view name);
// `text` is a count of `unit` since 1970 in 1 to 18 ASCII digits, else kTimestampInvalid;
// kTimestampOutOfTolerance when it is further than `tolerance` from `now`.
absl::Status CheckTimestamp(absl::string_view text, absl::Duration unit, absl::Time now,
                            absl::Duration tolerance);
// OK, or kSignatureMismatch.
absl::Status SignatureVerdict(bool fits);

// HMAC-SHA256 in lower-case hex over the concatenation of `parts`; the key is the secret's text.
std::string HexSignature(absl::string_view secret, std::initializer_list<absl::string_view> parts);
// Whether `signature`, hex in either case, is the one of HexSignature.
bool HexSignatureFits(absl::string_view secret, std::initializer_list<absl::string_view> parts,
                      absl::string_view signature);

}  // namespace latchwire
