#include "core/dialects/parameters.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/domain/validation.h"
#include "core/json/utf8.h"

namespace latchwire {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 0x20) - 'a' + 10;
}

bool Decode(absl::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out->push_back(' ');
    } else if (text[i] != '%') {
      out->push_back(text[i]);
    } else {
      if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
        return false;
      }
      out->push_back(static_cast<char>(HexValue(text[i + 1]) << 4 | HexValue(text[i + 2])));
      i += 2;
    }
  }
  return CodePointCount(*out) != absl::string_view::npos;
}

}  // namespace

absl::StatusOr<Parameters> Parameters::FromQuery(absl::string_view text) {
  Parameters parameters;
  for (const absl::string_view part : absl::StrSplit(text, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> raw =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    std::pair<std::string, std::string> decoded;
    if (!Decode(raw.first, &decoded.first) || !Decode(raw.second, &decoded.second)) {
      return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kFieldInvalid,
                       "the query must be percent-encoded UTF-8", {{"field", "query"}});
    }
    parameters.all_.push_back(std::move(decoded));
  }
  return parameters;
}

void Parameters::Add(std::string name, std::string value) {
  all_.emplace_back(std::move(name), std::move(value));
}

std::optional<absl::string_view> Parameters::Find(absl::string_view name) const {
  for (auto it = all_.rbegin(); it != all_.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return std::nullopt;
}

}  // namespace latchwire
