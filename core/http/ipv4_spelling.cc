#include "core/http/ipv4_spelling.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace latchwire {
namespace {

absl::string_view WithoutRoot(absl::string_view host) {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

// Values past 32 bits are clamped, they are out of range anyway.
std::optional<uint64_t> ParsePart(absl::string_view part) {
  if (part.empty()) return std::nullopt;
  unsigned base = 10;
  if (absl::StartsWithIgnoreCase(part, "0x")) {
    base = 16;
    part.remove_prefix(2);
  } else if (part.size() > 1 && part[0] == '0') {
    base = 8;
    part.remove_prefix(1);
  }
  uint64_t value = 0;
  for (const char c : part) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
    const unsigned digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (digit >= base) return std::nullopt;
    value = std::min<uint64_t>(value * base + digit, uint64_t{1} << 33);
  }
  return value;
}

}  // namespace

bool LooksLikeIpv4(absl::string_view host) {
  host = WithoutRoot(host);
  const size_t dot = host.rfind('.');
  const absl::string_view last = dot == absl::string_view::npos ? host : host.substr(dot + 1);
  const bool digits = !last.empty() && std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
  return digits || (absl::StartsWithIgnoreCase(last, "0x") && ParsePart(last).has_value());
}

std::optional<uint32_t> ParseIpv4Spelling(absl::string_view host) {
  const std::vector<absl::string_view> parts = absl::StrSplit(WithoutRoot(host), '.');
  if (parts.size() > 4) return std::nullopt;
  uint64_t address = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto value = ParsePart(parts[i]);
    if (!value) return std::nullopt;
    const size_t bytes = i + 1 == parts.size() ? 4 - i : 1;  // the last one fills what is left
    if (*value >= uint64_t{1} << (8 * bytes)) return std::nullopt;
    address = address << (8 * bytes) | *value;
  }
  return static_cast<uint32_t>(address);
}

}  // namespace latchwire
