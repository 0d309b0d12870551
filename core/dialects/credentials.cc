#include "core/dialects/credentials.h"

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {

void CredentialSettings::SetText(absl::string_view key, std::string value) {
  values_.insert_or_assign(std::string(key), std::move(value));
}

void CredentialSettings::SetFlag(absl::string_view key, bool value) {
  SetText(key, value ? "true" : "false");
}

const std::string& CredentialSettings::Text(absl::string_view key) const {
  static const std::string* const kNotGiven = new std::string;
  const auto it = values_.find(key);
  return it == values_.end() ? *kNotGiven : it->second;
}

bool CredentialSettings::Flag(absl::string_view key) const { return Text(key) == "true"; }

absl::Status CredentialError(absl::string_view key, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kFieldInvalid, message,
                   {{"field", std::string(key)}});
}

size_t TokenList::Add(absl::string_view token) {
  // An empty token would let in callers that send none.
  LATCHWIRE_CHECK(!token.empty());
  digests_.push_back(Sha256(token));
  return digests_.size() - 1;
}

std::optional<size_t> TokenList::Find(absl::string_view token) const {
  // Digests have one length, so the comparison does not tell a token's.
  const Sha256Digest digest = Sha256(token);
  std::optional<size_t> found;
  for (size_t i = 0; i < digests_.size(); ++i) {
    if (ConstantTimeEquals(AsBytes(digests_[i]), AsBytes(digest))) found = i;
  }
  return found;
}

}  // namespace latchwire
