#include "core/signatures/standard.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/crypto.h"

namespace latchwire {

std::optional<std::string> DecodeStandardSecret(absl::string_view secret) {
  absl::ConsumePrefix(&secret, "whsec_");
  std::optional<std::string> key = Base64Decode(secret);
  if (!key || key->empty()) return std::nullopt;
  return key;
}

std::string StandardSignature(absl::string_view key, absl::string_view message_id,
                              absl::string_view timestamp, absl::string_view body) {
  return absl::StrCat(
      "v1,", Base64Encode(AsBytes(HmacSha256(key, {message_id, ".", timestamp, ".", body}))));
}

}  // namespace latchwire
