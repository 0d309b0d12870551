#include "core/dialects/dialect.h"

#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/json/json_syntax.h"

namespace latchwire {

const IntakeCredential* FindCredential(const std::vector<IntakeCredential>& credentials,
                                       absl::string_view token) {
  const IntakeCredential* found = nullptr;
  // Digests have one length, so that the comparison does not tell a secret's.
  const Sha256Digest digest = Sha256(token);
  for (const IntakeCredential& credential : credentials) {
    if (ConstantTimeEquals(AsBytes(Sha256(credential.secret)), AsBytes(digest)) &&
        !credential.secret.empty()) {
      found = &credential;
    }
  }
  return found;
}

absl::Status WrongToken(absl::string_view where) {
  return MakeError(absl::StatusCode::kUnauthenticated, intake_reason::kTokenInvalid,
                   absl::StrCat("no token, or one that this agent does not know, in ", where));
}

absl::Status FieldError(absl::string_view field, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kFieldInvalid,
                   absl::StrCat(field, ": ", message), {{"field", std::string(field)}});
}

absl::Status CheckJson(absl::string_view text, absl::string_view field) {
  std::string error;
  if (IsWellFormedJson(text, &error)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kJsonInvalid,
                   absl::StrCat(field, " is not well-formed JSON: ", error),
                   {{"field", std::string(field)}});
}

}  // namespace latchwire
