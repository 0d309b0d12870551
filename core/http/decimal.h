// Parses numbers in URLs, settings and headers: plain decimal digits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace latchwire {

// Whether `text` is one decimal digit or more, and nothing else.
inline bool IsDecimal(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// The number that `text` spells, from 0 to `max`. Nullopt for signs, spaces and more than
// `max_digits` digits; leading zeros are accepted.
inline std::optional<uint32_t> ParseDecimal(absl::string_view text, uint32_t max,
                                            size_t max_digits) {
  uint32_t value = 0;
  if (!IsDecimal(text) || text.size() > max_digits || !absl::SimpleAtoi(text, &value) ||
      value > max) {
    return std::nullopt;
  }
  return value;
}

// A TCP port, 0 to 65535, in at most five digits.
inline std::optional<uint16_t> ParsePort(absl::string_view text) {
  const std::optional<uint32_t> port = ParseDecimal(text, 65535, 5);
  if (!port) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

}  // namespace latchwire
