// API keys, `<id>.<secret>`. Only a hash of the secret is kept.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/random.h"
#include "core/domain/webhook.h"

namespace latchwire {

// The values are stored: never change one.
enum class Role { kAdmin = 1, kPublisher = 2, kViewer = 3, kAgent = 4, kOperator = 5 };
// The tenant of operators' keys. It does not exist as a tenant and owns nothing else.
inline constexpr TenantId kNoTenant = 0;
absl::string_view RoleName(Role role);  // "admin", ...

struct ApiKey {
  TenantId tenant = 0;
  std::string id;  // 16 characters of the URL-safe base64 alphabet
  std::string
      secret_hash;  // SHA-256 of the secret, 32 bytes: secrets are random, so no salt is needed
  Role role = Role::kViewer;
  std::string agent;  // kAgent only
  std::string display_name;
  absl::Time create_time;
};

struct NewApiKey {
  ApiKey key;
  std::string token;  // `<id>.<secret>`, to be shown once
};

// Makes a fresh id and a secret of 32 random bytes; the caller fills in the other fields.
NewApiKey MakeApiKey(Random* random);
// Splits `<id>.<secret>`. Returns nothing if the token does not have that form.
std::optional<std::pair<std::string, std::string>> ParseToken(absl::string_view token);
// Compares in constant time.
bool SecretFits(const ApiKey& key, absl::string_view secret);
// Admin includes publisher and viewer; agent and operator stand alone.
bool RoleAllows(Role role, Role required);

}  // namespace latchwire
