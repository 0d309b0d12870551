#include "core/signatures/standard.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/check.h"
#include "core/base/crypto.h"

namespace latchwire {
namespace {

constexpr absl::string_view kVersion1 = "v1";

// The signature of an item of version 1.
std::string SignV1(absl::string_view key, absl::string_view message_id, absl::string_view timestamp,
                   absl::string_view body) {
  LATCHWIRE_DCHECK(!key.empty());
  return Base64Encode(AsBytes(HmacSha256(key, {message_id, ".", timestamp, ".", body})));
}

// The signatures of all items of `version`. An item without a comma has no version, so none.
std::vector<absl::string_view> SignaturesOf(absl::string_view header, absl::string_view version) {
  std::vector<absl::string_view> signatures;
  for (const absl::string_view item : absl::StrSplit(header, ' ')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(item, absl::MaxSplits(',', 1));
    if (parts.first == version) signatures.push_back(parts.second);
  }
  return signatures;
}

}  // namespace

std::optional<std::string> DecodeStandardSecret(absl::string_view secret) {
  absl::ConsumePrefix(&secret, kStandardSecretPrefix);
  std::optional<std::string> key = Base64Decode(secret);
  if (!key || key->empty()) return std::nullopt;
  return key;
}

std::string SignStandard(absl::Span<const absl::string_view> keys, absl::string_view message_id,
                         absl::string_view timestamp, absl::string_view body) {
  std::string value;
  for (const absl::string_view key : keys) {
    absl::StrAppend(&value, value.empty() ? "" : " ", kVersion1, ",",
                    SignV1(key, message_id, timestamp, body));
  }
  return value;
}

absl::Status VerifyStandard(absl::Span<const std::string> secrets, SignatureHeaders headers,
                            absl::string_view body, absl::Time now, absl::Duration tolerance) {
  if (absl::Status status = CheckSecrets(secrets); !status.ok()) return status;
  std::vector<std::string> keys;
  keys.reserve(secrets.size());
  for (const std::string& secret : secrets) {
    std::optional<std::string> key = DecodeStandardSecret(secret);
    if (!key) return SecretInvalid("the secret is not whsec_ followed by base64");
    keys.push_back(*std::move(key));
  }
  const auto id = FindSignatureHeader(headers, "webhook-id");
  if (!id.ok()) return id.status();
  const auto timestamp = FindSignatureHeader(headers, "webhook-timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto header = FindSignatureHeader(headers, "webhook-signature");
  if (!header.ok()) return header.status();
  absl::Status in_time = CheckTimestamp(*timestamp, absl::Seconds(1), now, tolerance);
  if (!in_time.ok()) return in_time;

  const std::vector<absl::string_view> signatures = SignaturesOf(*header, kVersion1);
  bool fits = false;
  for (const std::string& key : keys) {
    const std::string expected = SignV1(key, *id, *timestamp, body);
    for (const absl::string_view given : signatures) fits |= ConstantTimeEquals(given, expected);
  }
  return SignatureVerdict(fits);
}

}  // namespace latchwire
