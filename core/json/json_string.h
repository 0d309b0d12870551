// Writing JSON strings; reading JSON is validation.h's and the intakes' business.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// `text` (UTF-8) as a JSON string with its quotes; only what JSON demands is escaped.
void AppendJsonString(absl::string_view text, std::string* out);
std::string JsonQuote(absl::string_view text);

}  // namespace latchwire
