#include "core/net/port_ranges.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace latchwire {
namespace {

std::optional<uint16_t> ParsePort(absl::string_view text) {
  int port = 0;
  const bool digits = !text.empty() && text.size() <= 5 &&
                      std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port < 1 || port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

}  // namespace

absl::StatusOr<std::vector<PortRange>> ParsePortRanges(absl::string_view text) {
  std::vector<PortRange> ranges;
  if (absl::StripAsciiWhitespace(text).empty()) return ranges;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    const size_t dash = part.find('-');
    const auto first = ParsePort(part.substr(0, dash));
    const auto last = dash == absl::string_view::npos ? first : ParsePort(part.substr(dash + 1));
    if (!first || !last || *first > *last) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", absl::CHexEscape(part),
                       "\" is no port of 1 to 65535, and no range of them such as 8000-8999"));
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
