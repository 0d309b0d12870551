#include "core/signatures/verify.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/crypto.h"
#include "core/base/error.h"
#include "core/signatures/standard.h"

namespace latchwire {
namespace {

// More would not fit an int64 of milliseconds with room to spare.
constexpr size_t kMaxTimestampDigits = 18;

absl::Status Refusal(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kUnauthenticated, reason, message);
}

absl::Status SecretInvalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SECRET_INVALID", message);
}

absl::Status Result(bool fits) {
  if (fits) return absl::OkStatus();
  return Refusal("SIGNATURE_MISMATCH", "no signature fits the secret");
}

absl::StatusOr<absl::string_view> Header(VerifyHeaders headers, absl::string_view name) {
  for (const auto& [key, value] : headers) {
    if (!value.empty() && absl::EqualsIgnoreCase(key, name)) return absl::string_view(value);
  }
  return Refusal("HEADER_MISSING", absl::StrCat("the header ", name, " is missing"));
}

absl::Status CheckTime(absl::string_view text, absl::Duration unit, absl::Time now,
                       absl::Duration tolerance) {
  int64_t count = 0;
  if (text.empty() || text.size() > kMaxTimestampDigits ||
      !std::all_of(text.begin(), text.end(),
                   [](unsigned char c) { return absl::ascii_isdigit(c); }) ||
      !absl::SimpleAtoi(text, &count)) {
    return Refusal("TIMESTAMP_INVALID", "the timestamp is not a number");
  }
  const absl::Duration off = now - (absl::UnixEpoch() + count * unit);
  if (absl::AbsDuration(off) <= tolerance) return absl::OkStatus();
  return Refusal("TIMESTAMP_OUT_OF_TOLERANCE", off > absl::ZeroDuration()
                                                   ? "the timestamp is too old"
                                                   : "the timestamp is in the future");
}

absl::Status CheckSecrets(absl::Span<const std::string> secrets) {
  if (secrets.empty()) return SecretInvalid("there is no secret to verify with");
  if (std::any_of(secrets.begin(), secrets.end(), [](const auto& s) { return s.empty(); })) {
    return SecretInvalid("an empty secret verifies nothing");
  }
  return absl::OkStatus();
}

// One signature in hex over the concatenated parts.
absl::Status CheckHex(absl::Span<const std::string> secrets, absl::string_view signature,
                      std::initializer_list<absl::string_view> parts) {
  const std::optional<std::string> given = HexDecode(signature);
  bool fits = false;
  for (const std::string& secret : secrets) {
    // Every secret is tried, so that the time doesn't tell which one fits.
    fits |= given && ConstantTimeEquals(*given, AsBytes(HmacSha256(secret, parts)));
  }
  return Result(fits);
}

}  // namespace

absl::Status VerifyStandard(absl::Span<const std::string> secrets, VerifyHeaders headers,
                            absl::string_view body, absl::Time now, absl::Duration tolerance) {
  if (absl::Status status = CheckSecrets(secrets); !status.ok()) return status;
  std::vector<std::string> keys;
  for (const std::string& secret : secrets) {
    std::optional<std::string> key = DecodeStandardSecret(secret);
    if (!key) return SecretInvalid("the secret is not whsec_ followed by base64");
    keys.push_back(*std::move(key));
  }
  const auto id = Header(headers, "webhook-id");
  if (!id.ok()) return id.status();
  const auto timestamp = Header(headers, "webhook-timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto signatures = Header(headers, "webhook-signature");
  if (!signatures.ok()) return signatures.status();
  if (absl::Status status = CheckTime(*timestamp, absl::Seconds(1), now, tolerance); !status.ok()) {
    return status;
  }
  bool fits = false;
  for (const std::string& key : keys) {
    const std::string expected = StandardSignature(key, *id, *timestamp, body);
    for (const absl::string_view given : absl::StrSplit(*signatures, ' ')) {
      fits |= ConstantTimeEquals(given, expected);
    }
  }
  return Result(fits);
}

absl::Status VerifyTwenty(absl::Span<const std::string> secrets, VerifyHeaders headers,
                          absl::string_view body, absl::Time now, absl::Duration tolerance) {
  if (absl::Status status = CheckSecrets(secrets); !status.ok()) return status;
  const auto timestamp = Header(headers, "X-Twenty-Webhook-Timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto signature = Header(headers, "X-Twenty-Webhook-Signature");
  if (!signature.ok()) return signature.status();
  if (absl::Status status = CheckTime(*timestamp, absl::Milliseconds(1), now, tolerance);
      !status.ok()) {
    return status;
  }
  return CheckHex(secrets, *signature, {*timestamp, ":", body});
}

absl::Status VerifyPanel(absl::Span<const std::string> secrets, VerifyHeaders headers,
                         absl::string_view body) {
  if (absl::Status status = CheckSecrets(secrets); !status.ok()) return status;
  const auto signature = Header(headers, "X-Webhook-Signature");
  if (!signature.ok()) return signature.status();
  return CheckHex(secrets, *signature, {body});
}

}  // namespace latchwire
