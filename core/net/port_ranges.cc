#include "core/net/port_ranges.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/http/decimal.h"

namespace latchwire {
absl::StatusOr<std::vector<PortRange>> ParsePortRanges(absl::string_view text) {
  std::vector<PortRange> ranges;
  if (absl::StripAsciiWhitespace(text).empty()) return ranges;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    const size_t dash = part.find('-');
    const auto first = ParsePort(part.substr(0, dash));
    const auto last = dash == absl::string_view::npos ? first : ParsePort(part.substr(dash + 1));
    if (!first || !last || *first == 0 || *first > *last) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", absl::CHexEscape(part),
          "\" is neither a port of 1 to 65535 nor a range of them, such as 8000-8999"));
    }
    ranges.push_back({*first, *last});
  }
  return ranges;
}

bool ContainsPort(const std::vector<PortRange>& ranges, uint16_t port) {
  return std::any_of(ranges.begin(), ranges.end(), [port](const PortRange& range) {
    return range.first <= port && port <= range.last;
  });
}

}  // namespace latchwire
