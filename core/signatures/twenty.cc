#include "core/signatures/twenty.h"

namespace latchwire {

std::string SignTwenty(absl::string_view secret, absl::string_view timestamp,
                       absl::string_view body) {
  return HexSignature(secret, {timestamp, ":", body});
}

absl::Status VerifyTwenty(absl::Span<const std::string> secrets, SignatureHeaders headers,
                          absl::string_view body, absl::Time now, absl::Duration tolerance) {
  if (absl::Status status = CheckSecrets(secrets); !status.ok()) return status;
  const auto timestamp = FindSignatureHeader(headers, "X-Twenty-Webhook-Timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto signature = FindSignatureHeader(headers, "X-Twenty-Webhook-Signature");
  if (!signature.ok()) return signature.status();
  absl::Status in_time = CheckTimestamp(*timestamp, absl::Milliseconds(1), now, tolerance);
  if (!in_time.ok()) return in_time;
  bool fits = false;
  for (const std::string& secret : secrets) {
    fits |= HexSignatureFits(secret, {*timestamp, ":", body}, *signature);
  }
  return SignatureVerdict(fits);
}

}  // namespace latchwire
