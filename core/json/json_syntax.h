// Well-formed JSON, checked without changing a byte of it.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

inline constexpr size_t kMaxJsonDepth = 512;

// Whether `text` is well-formed JSON by RFC 8259 (any value at the top, nesting up to
// kMaxJsonDepth) in valid UTF-8. On failure `error`, which may be null, says what is wrong and at
// which byte.
bool IsWellFormedJson(absl::string_view text, std::string* error);

}  // namespace latchwire
