#include "core/signatures/panel.h"

namespace latchwire {

std::string SignPanel(absl::string_view secret, absl::string_view body) {
  return HexSignature(secret, {body});
}

bool PanelSignatureFits(absl::string_view secret, absl::string_view body,
                        absl::string_view signature) {
  return HexSignatureFits(secret, {body}, signature);
}

absl::Status VerifyPanel(absl::Span<const std::string> secrets, SignatureHeaders headers,
                         absl::string_view body) {
  if (absl::Status status = CheckSecrets(secrets); !status.ok()) return status;
  const auto signature = FindSignatureHeader(headers, "X-Webhook-Signature");
  if (!signature.ok()) return signature.status();
  bool fits = false;
  for (const std::string& secret : secrets) fits |= PanelSignatureFits(secret, body, *signature);
  return SignatureVerdict(fits);
}

}  // namespace latchwire
