#include "core/dialects/dialect.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/json/json_syntax.h"

namespace latchwire {

absl::string_view DeviceMessage::Header(absl::string_view name) const {
  for (const HttpHeader& header : headers) {
    if (!header.value.empty() && absl::EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return {};
}

std::string RepeatKey(std::initializer_list<absl::string_view> parts) {
  std::string key;
  for (const absl::string_view part : parts) absl::StrAppend(&key, part.size(), ":", part);
  return key;
}

absl::Status WrongToken(absl::string_view where) {
  return MakeError(absl::StatusCode::kUnauthenticated, intake_reason::kTokenInvalid,
                   absl::StrCat("the token is missing or not known here; expected in ", where));
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
