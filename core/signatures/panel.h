// The signature scheme of BAS-IP style door panels: hex HMAC-SHA256 over the body, keyed with the
// secret's text. The time is not signed, so a copied request stays valid.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/signatures/verification.h"

namespace latchwire {

// Returns the value of `X-Webhook-Signature`.
std::string SignPanel(absl::string_view secret, absl::string_view body);

// Whether `signature`, hex in either case, is SignPanel's. Callers that look for the right one
// among several credentials must try them all, so that the time reveals nothing.
bool PanelSignatureFits(absl::string_view secret, absl::string_view body,
                        absl::string_view signature);

// Reads `X-Webhook-Signature`.
absl::Status VerifyPanel(absl::Span<const std::string> secrets, SignatureHeaders headers,
                         absl::string_view body);

}  // namespace latchwire
