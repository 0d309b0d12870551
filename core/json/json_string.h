// Writes JSON strings.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// Appends `text` (UTF-8) as a JSON string with its quotes, escaping only what JSON requires.
void AppendJsonString(absl::string_view text, std::string* out);
std::string JsonQuote(absl::string_view text);

}  // namespace latchwire
