#include "core/base/crypto.h"

#include <openssl/base64.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace latchwire {
namespace {

const uint8_t* Data(absl::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

}  // namespace

Sha256Digest Sha256(absl::string_view data) {
  Sha256Digest digest;
  SHA256(Data(data), data.size(), digest.data());
  return digest;
}

Sha256Digest HmacSha256(absl::string_view key, std::initializer_list<absl::string_view> parts) {
  Sha256Digest digest;
  unsigned int size = 0;
  HMAC_CTX context;
  HMAC_CTX_init(&context);
  // A null key would mean "the key of the last use".
  HMAC_Init_ex(&context, key.empty() ? "" : key.data(), key.size(), EVP_sha256(), nullptr);
  for (absl::string_view part : parts) HMAC_Update(&context, Data(part), part.size());
  HMAC_Final(&context, digest.data(), &size);
  HMAC_CTX_cleanup(&context);
  return digest;
}

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

absl::string_view AsBytes(const Sha256Digest& digest) {
  return absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::string HexEncode(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

std::optional<std::string> HexDecode(absl::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  for (const char c : hex) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  return absl::HexStringToBytes(hex);
}

std::string Base64Encode(absl::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // the function writes a NUL behind it
  const size_t size =
      EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), Data(bytes), bytes.size());
  text.resize(size);
  return text;
}

std::optional<std::string> Base64Decode(absl::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  size_t size = 0;
  if (!EVP_DecodeBase64(reinterpret_cast<uint8_t*>(bytes.data()), &size, bytes.size(), Data(text),
                        text.size())) {
    return std::nullopt;
  }
  bytes.resize(size);
  // Left-over bits in the last character would give one value several spellings.
  if (Base64Encode(bytes) != text) return std::nullopt;
  return bytes;
}

std::string Base64UrlEncode(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

absl::string_view CryptoLibraryVersion() { return "BoringSSL " LATCHWIRE_BORINGSSL_VERSION; }

}  // namespace latchwire
