#include "core/domain/api_key.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"

namespace latchwire {
namespace {

constexpr size_t kIdBytes = 12;  // 16 characters
constexpr size_t kSecretBytes = 32;
constexpr size_t kMaxTokenLength = 256;

template <size_t kSize>
std::string RandomText(Random* random) {
  std::array<char, kSize> bytes;
  random->Fill(bytes.data(), bytes.size());
  return Base64UrlEncode(absl::string_view(bytes.data(), bytes.size()));
}

bool IsBase64Url(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
}

}  // namespace

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kAdmin:
      return "admin";
    case Role::kPublisher:
      return "publisher";
    case Role::kViewer:
      return "viewer";
    case Role::kAgent:
      return "agent";
    case Role::kOperator:
      return "operator";
  }
  return "unknown";
}

NewApiKey MakeApiKey(Random* random) {
  NewApiKey made;
  made.key.id = RandomText<kIdBytes>(random);
  const std::string secret = RandomText<kSecretBytes>(random);
  made.key.secret_hash = std::string(AsBytes(Sha256(secret)));
  made.token = absl::StrCat(made.key.id, ".", secret);
  return made;
}

std::optional<std::pair<std::string, std::string>> ParseToken(absl::string_view token) {
  const size_t dot = token.find('.');
  if (token.size() > kMaxTokenLength || dot == absl::string_view::npos) return std::nullopt;
  const absl::string_view id = token.substr(0, dot);
  const absl::string_view secret = token.substr(dot + 1);
  if (!IsBase64Url(id) || !IsBase64Url(secret)) return std::nullopt;
  return std::make_pair(std::string(id), std::string(secret));
}

bool SecretFits(const ApiKey& key, absl::string_view secret) {
  const Sha256Digest digest = Sha256(secret);
  return ConstantTimeEquals(AsBytes(digest), key.secret_hash);
}

bool RoleAllows(Role role, Role required) {
  if (role == required) return true;
  return role == Role::kAdmin && (required == Role::kPublisher || required == Role::kViewer);
}

}  // namespace latchwire
