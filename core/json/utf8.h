// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace latchwire {

// Returns the length in bytes (1 to 4) of the character at `p`; 0 if it is invalid or cut off.
// Requires p < end.
size_t Utf8CharacterLength(const char* p, const char* end);
// Returns the number of Unicode code points in `text`; npos if it is not valid UTF-8.
size_t CodePointCount(absl::string_view text);

}  // namespace latchwire
