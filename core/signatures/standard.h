// The Standard Webhooks signature scheme, symmetric (v1).
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// The key in `whsec_<base64>`; the prefix may be left out. Nothing if it is not base64, or empty.
std::optional<std::string> DecodeStandardSecret(absl::string_view secret);

// `v1,<base64>` over `<id>.<timestamp>.<body>`. `key` is decoded.
std::string StandardSignature(absl::string_view key, absl::string_view message_id,
                              absl::string_view timestamp, absl::string_view body);

}  // namespace latchwire
