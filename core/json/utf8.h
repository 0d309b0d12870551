// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace latchwire {

// Bytes of the character at `p` (1 to 4); 0 when it is not valid or cut off. `p` < `end`.
size_t Utf8CharacterLength(const char* p, const char* end);
// The number of Unicode code points in `text`; npos if it is not valid UTF-8.
size_t CodePointCount(absl::string_view text);

}  // namespace latchwire
