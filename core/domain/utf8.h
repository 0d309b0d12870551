// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
#pragma once

#include <cstddef>

namespace latchwire {

// Bytes of the character at `p` (1 to 4); 0 when it is not valid or cut off. `p` < `end`.
size_t Utf8CharacterLength(const char* p, const char* end);

}  // namespace latchwire
