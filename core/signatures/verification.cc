#include "core/signatures/verification.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/error.h"

namespace latchwire {
namespace {

// More would not fit an int64 of milliseconds with room to spare.
constexpr size_t kMaxTimestampDigits = 18;

absl::Status Refusal(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kUnauthenticated, reason, message);
}

}  // namespace

absl::Status SecretInvalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, signature_reason::kSecretInvalid,
                   message);
}

absl::Status CheckSecrets(absl::Span<const std::string> secrets) {
  if (secrets.empty()) return SecretInvalid("there is no secret to verify with");
  if (std::any_of(secrets.begin(), secrets.end(), [](const auto& s) { return s.empty(); })) {
    return SecretInvalid("an empty secret verifies nothing");
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::string_view> FindSignatureHeader(SignatureHeaders headers,
                                                      absl::string_view name) {
  for (const auto& [key, value] : headers) {
    if (!value.empty() && absl::EqualsIgnoreCase(key, name)) return absl::string_view(value);
  }
  return Refusal(signature_reason::kHeaderMissing,
                 absl::StrCat("the header ", name, " is missing"));
}

absl::Status CheckTimestamp(absl::string_view text, absl::Duration unit, absl::Time now,
                            absl::Duration tolerance) {
  int64_t count = 0;
  if (text.empty() || text.size() > kMaxTimestampDigits ||
      !std::all_of(text.begin(), text.end(),
                   [](unsigned char c) { return absl::ascii_isdigit(c); }) ||
      !absl::SimpleAtoi(text, &count)) {
    return Refusal(signature_reason::kTimestampInvalid, "the timestamp is not a number");
  }
  const absl::Duration off = now - (absl::UnixEpoch() + count * unit);
  if (absl::AbsDuration(off) <= tolerance) return absl::OkStatus();
  return Refusal(
      signature_reason::kTimestampOutOfTolerance,
      off > absl::ZeroDuration() ? "the timestamp is too old" : "the timestamp is in the future");
}

absl::Status SignatureVerdict(bool fits) {
  if (fits) return absl::OkStatus();
  return Refusal(signature_reason::kSignatureMismatch, "no signature fits the secret");
}

std::string HexSignature(absl::string_view secret, std::initializer_list<absl::string_view> parts) {
  return HexEncode(AsBytes(HmacSha256(secret, parts)));
}

bool HexSignatureFits(absl::string_view secret, std::initializer_list<absl::string_view> parts,
                      absl::string_view signature) {
  const Sha256Digest expected = HmacSha256(secret, parts);
  return ConstantTimeEquals(AsBytes(expected), HexDecode(signature).value_or(""));
}

}  // namespace latchwire
