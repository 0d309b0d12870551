#include "core/http/url.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/http/ipv4_spelling.h"

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
  if (LooksLikeIpv4(text)) {
    const auto address = ParseIpv4Spelling(text);
    if (!address) return Invalid(absl::StrCat("has an invalid IPv4 address: ", text));
    url.address = IpAddress::V4(*address);
    url.host = url.address->ToString();
    return absl::OkStatus();
  }
  const absl::string_view name = text.size() > 1 ? absl::StripSuffix(text, ".") : text;  // the root
  for (absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty()) return Invalid(absl::StrCat("has an empty label in its host: ", text));
    if (label.size() > 63) return Invalid("has a label of more than 63 characters in its host");
  }
  if (name.size() > 253) return Invalid("has a host of more than 253 characters");
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
  // Errors of the transport are kept and shown; tokens travel in queries.
  const size_t secret = text.find_first_of("?#");
  if (secret != absl::string_view::npos &&
      std::all_of(text.begin(), text.begin() + secret, IsPlain)) {
    return Invalid(
        "must not hold spaces, control or non-ASCII characters in its query or fragment");
  }
  text = text.substr(0, secret);
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
