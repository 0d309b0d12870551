#include "core/transport/url.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace latchwire {
namespace {

absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("URL ", what));
}

bool IsPlain(char c) { return c > ' ' && c < '\x7f'; }

std::string EscapeWhereNeeded(absl::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    if (IsPlain(c)) {
      escaped.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      escaped.append({'%', kDigits[byte >> 4], kDigits[byte & 0x0F]});
    }
  }
  return escaped;
}

size_t CountCodePoints(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// One part of an IPv4 address as the URL standard of browsers reads it: decimal, 0x hexadecimal or
// 0 octal. Values past 32 bits are clamped, they are out of range anyway.
std::optional<uint64_t> ParseIpv4Part(absl::string_view part) {
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

// Hosts whose last label is a number are addresses or nothing: no name may look like one.
bool EndsInNumber(const std::vector<absl::string_view>& labels) {
  const absl::string_view last = labels.back();
  const bool digits = !last.empty() && std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
  return digits || (absl::StartsWithIgnoreCase(last, "0x") && ParseIpv4Part(last).has_value());
}

std::optional<IpAddress> ParseIpv4Parts(const std::vector<absl::string_view>& parts) {
  if (parts.size() > 4) return std::nullopt;
  uint64_t address = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto value = ParseIpv4Part(parts[i]);
    if (!value) return std::nullopt;
    const size_t bytes = i + 1 == parts.size() ? 4 - i : 1;  // the last one fills what is left
    if (*value >= uint64_t{1} << (8 * bytes)) return std::nullopt;
    address = address << (8 * bytes) | *value;
  }
  return IpAddress::V4(static_cast<uint32_t>(address));
}

absl::Status ParseHost(absl::string_view text, Url& url) {
  if (text.empty()) return Invalid("has no host");
  if (text.front() == '[') {
    if (text.back() != ']') return Invalid("has an IPv6 address without its closing bracket");
    url.address = IpAddress::Parse(text.substr(1, text.size() - 2));
    if (!url.address || !url.address->is_v6) {
      return Invalid(absl::StrCat("has an invalid IPv6 address: ", text));
    }
    url.host = url.address->ToString();
    return absl::OkStatus();
  }
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_') {
      return Invalid(absl::StrCat("has the character '", absl::string_view(&c, 1),
                                  "' in its host; letters, digits, '-', '_' and '.' are allowed"));
    }
  }
  std::vector<absl::string_view> labels = absl::StrSplit(text, '.');
  if (labels.size() > 1 && labels.back().empty()) labels.pop_back();  // the root's dot
  if (EndsInNumber(labels)) {
    url.address = ParseIpv4Parts(labels);
    if (!url.address) return Invalid(absl::StrCat("has an invalid IPv4 address: ", text));
    url.host = url.address->ToString();
    return absl::OkStatus();
  }
  for (absl::string_view label : labels) {
    if (label.empty()) return Invalid(absl::StrCat("has an empty label in its host: ", text));
    if (label.size() > 63) return Invalid("has a label of more than 63 characters in its host");
  }
  if (text.size() > 253) return Invalid("has a host of more than 253 characters");
  url.host = absl::AsciiStrToLower(text);
  return absl::OkStatus();
}

absl::Status ParsePort(absl::string_view text, Url& url) {
  int port = 0;
  const bool digits = !text.empty() && text.size() <= 5 &&
                      std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port < 1 || port > 65535) {
    return Invalid(absl::StrCat("has the port \"", text, "\"; it must be 1 to 65535"));
  }
  url.port = static_cast<uint16_t>(port);
  return absl::OkStatus();
}

absl::Status CheckCharacters(absl::string_view text) {
  const size_t code_points = CountCodePoints(text);
  if (code_points < kMinUrlCodePoints || code_points > kMaxUrlCodePoints) {
    return Invalid(absl::StrCat("must have ", kMinUrlCodePoints, " to ", kMaxUrlCodePoints,
                                " characters, has ", code_points));
  }
  if (std::all_of(text.begin(), text.end(), IsPlain)) return absl::OkStatus();
  return Invalid(
      absl::StrCat("must not hold spaces, control or non-ASCII characters; escaped it is ",
                   EscapeWhereNeeded(text), " (a host name is written in its xn-- form instead)"));
}

}  // namespace

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  if (absl::Status status = CheckCharacters(text); !status.ok()) return status;
  Url url;
  absl::string_view rest = text;
  if (absl::StartsWithIgnoreCase(rest, "http://")) {
    rest.remove_prefix(7);
  } else if (absl::StartsWithIgnoreCase(rest, "https://")) {
    url.is_https = true;
    rest.remove_prefix(8);
  } else {
    return Invalid("must be absolute and start with http:// or https://");
  }
  const uint16_t default_port = url.is_https ? 443 : 80;
  url.port = default_port;

  const size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  absl::string_view host = rest.substr(0, authority_end);
  absl::string_view target = rest.substr(authority_end);
  target = target.substr(0, target.find('#'));

  if (absl::StrContains(host, '@')) {
    return Invalid("must not hold a user name or password; send an Authorization header instead");
  }
  const bool bracketed = absl::StartsWith(host, "[");
  const size_t bracket = bracketed ? host.rfind(']') : 0;
  const size_t colon = bracket == absl::string_view::npos ? bracket : host.find(':', bracket);
  if (colon != absl::string_view::npos) {
    if (absl::Status status = ParsePort(host.substr(colon + 1), url); !status.ok()) return status;
    host = host.substr(0, colon);
  }
  if (absl::Status status = ParseHost(host, url); !status.ok()) return status;

  url.target =
      target.empty() || target.front() != '/' ? absl::StrCat("/", target) : std::string(target);
  const bool is_v6 = url.address && url.address->is_v6;
  url.host_header = is_v6 ? absl::StrCat("[", url.host, "]") : url.host;
  url.origin = absl::StrCat(url.is_https ? "https://" : "http://", url.host_header, ":", url.port);
  if (url.port != default_port) absl::StrAppend(&url.host_header, ":", url.port);
  return url;
}

}  // namespace latchwire
