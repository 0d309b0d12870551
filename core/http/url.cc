#include "core/http/url.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/check.h"
#include "core/http/decimal.h"
#include "core/json/utf8.h"

namespace latchwire {
namespace {

constexpr size_t kMaxHostLength = 253;
constexpr size_t kMaxLabelLength = 63;

template <typename... Parts>
absl::Status Must(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat("must ", parts...));
}

bool IsGraphic(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

std::string PercentEscaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

absl::Status ParseHost(absl::string_view text, Url& url) {
  if (text.empty()) return Must("have a host");
  if (text.front() == '[') {
    if (text.back() == ']') url.address = IpAddress::Parse(text.substr(1, text.size() - 2));
    if (!url.address || !url.address->is_v6) {
      return Must("have a valid IPv6 address between its brackets");
    }
    url.host = url.address->ToString();
    return absl::OkStatus();
  }
  if (LooksLikeIpv4(text)) {
    // Its parts are numbers and not labels: neither their length nor their count matters below.
    url.address = IpAddress::ParseIpv4Spelling(text);
    if (!url.address) {
      return Must("have a valid IPv4 address as its host, since the last label is a number");
    }
    url.host = url.address->ToString();
    return absl::OkStatus();
  }
  const absl::string_view name = absl::StripSuffix(text, ".");  // the root
  if (name.size() > kMaxHostLength) {
    return Must("have a host of at most ", kMaxHostLength, " characters");
  }
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty() || label.size() > kMaxLabelLength) {
      return Must("have a host whose labels are 1 to ", kMaxLabelLength, " characters long");
    }
    for (const unsigned char c : label) {
      if (!absl::ascii_isalnum(c) && c != '-' && c != '_') {
        return Must("have a host of the characters A-Z a-z 0-9 - _ . only");
      }
    }
  }
  url.host = absl::AsciiStrToLower(text);
  return absl::OkStatus();
}

absl::Status ParseAuthority(absl::string_view authority, Url& url) {
  if (absl::StrContains(authority, '@')) {
    return Must("not hold user information; use an Authorization header");
  }
  if (!IsGraphic(authority)) {
    return Must("have a host in ASCII without spaces (an international name in its xn-- form)");
  }
  absl::string_view host = authority;
  // Inside [...] a colon belongs to the address.
  const bool bracketed = absl::StartsWith(authority, "[");
  const size_t colon = authority.find(':', bracketed ? authority.find(']') : 0);
  if (colon != absl::string_view::npos) {
    host = authority.substr(0, colon);
    const std::optional<uint16_t> port = ParsePort(authority.substr(colon + 1));
    if (port.value_or(0) == 0) return Must("have a port of 1 to 65535, or none");
    url.port = *port;
  }
  return ParseHost(host, url);
}

}  // namespace

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  const size_t length = CodePointCount(text);
  if (length == absl::string_view::npos) return Must("be valid UTF-8");
  if (length < kMinUrlLength || length > kMaxUrlLength) {
    return Must("be ", kMinUrlLength, " to ", kMaxUrlLength, " characters, has ", length);
  }
  Url url;
  absl::string_view rest = text;
  if (absl::StartsWithIgnoreCase(rest, "http://")) {
    rest.remove_prefix(7);
  } else if (absl::StartsWithIgnoreCase(rest, "https://")) {
    url.is_https = true;
    rest.remove_prefix(8);
  } else {
    return Must("be absolute, starting with http:// or https://");
  }
  const uint16_t default_port = url.is_https ? 443 : 80;
  url.port = default_port;

  const size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const absl::Status status = ParseAuthority(rest.substr(0, authority_end), url);
  if (!status.ok()) return status;
  if (!IsGraphic(text)) {
    return Must("be ASCII without spaces and control characters; escaped it is ",
                PercentEscaped(MaskUrlQuery(text)));
  }

  absl::string_view target = rest.substr(authority_end);
  target = target.substr(0, target.find('#'));
  url.target = absl::StartsWith(target, "/") ? std::string(target) : absl::StrCat("/", target);
  const bool is_v6 = url.address && url.address->is_v6;
  url.host_header = is_v6 ? absl::StrCat("[", url.host, "]") : url.host;
  url.origin = absl::StrCat(url.is_https ? "https://" : "http://", url.host_header, ":", url.port);
  if (url.port != default_port) absl::StrAppend(&url.host_header, ":", url.port);
  LATCHWIRE_DCHECK(url.port != 0 && !url.host.empty() && url.target.front() == '/');
  return url;
}

std::string MaskUrlQuery(absl::string_view url) {
  // A fragment is never sent, but people put secrets there too.
  const size_t end = url.find_first_of("?#");
  if (end == absl::string_view::npos) return std::string(url);
  return absl::StrCat(url.substr(0, end + 1), "***");
}

}  // namespace latchwire
