// Hashing, signing, randomness and encodings on top of BoringSSL, whose headers only this folder and
// core/net include. All functions are thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(absl::string_view data);

// Returns the HMAC-SHA256 of the concatenation of `parts`, without building it.
Sha256Digest HmacSha256(absl::string_view key, std::initializer_list<absl::string_view> parts);

// Takes a time that depends on the lengths only.
bool ConstantTimeEquals(absl::string_view a, absl::string_view b);

// Returns the CRC-32C (Castagnoli) of `data`, which detects accidents but not attackers. `seed` is
// the checksum of the bytes before it.
uint32_t Crc32c(absl::string_view data, uint32_t seed = 0);

absl::string_view AsBytes(const Sha256Digest& digest);
std::string HexEncode(absl::string_view bytes);  // lower case
std::optional<std::string> HexDecode(absl::string_view hex);
std::string Base64Encode(absl::string_view bytes);  // standard alphabet, padded
std::optional<std::string> Base64Decode(absl::string_view text);
// URL-safe alphabet without padding, for keys and tokens that people paste.
std::string Base64UrlEncode(absl::string_view bytes);

// Returns a text such as "BoringSSL 13.0.0+r24-1", for --version.
absl::string_view CryptoLibraryVersion();

}  // namespace latchwire
