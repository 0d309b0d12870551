#include "core/json/utf8.h"

#include <cstdint>

namespace latchwire {

size_t Utf8CharacterLength(const char* p, const char* end) {
  const auto byte = [p](size_t i) { return static_cast<uint8_t>(p[i]); };
  const auto continues = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) {
    return p + i < end && byte(i) >= low && byte(i) <= high;
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = first == 0xED ? 0x9F : 0xBF;  // not D800 to DFFF
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const uint8_t low = first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

size_t CodePointCount(absl::string_view text) {
  size_t count = 0;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end; ++count) {
    const size_t length = Utf8CharacterLength(p, end);
    if (length == 0) return absl::string_view::npos;
    p += length;
  }
  return count;
}

}  // namespace latchwire
