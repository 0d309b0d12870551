#include "core/http/url_syntax.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "core/http/ipv4_spelling.h"
#include "core/json/utf8.h"

namespace latchwire {
namespace {

constexpr size_t kMaxHostLength = 253;
constexpr size_t kMaxLabelLength = 63;

std::string PercentEscaped(absl::string_view url) {
  std::string escaped;
  for (const char c : url) {
    if (absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

bool IsGraphic(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isgraph(c); });
}

std::optional<std::string> HostError(absl::string_view host) {
  if (host.empty()) return "has no host";
  if (host.front() == '[') {
    in6_addr address;
    if (host.back() != ']' ||
        inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) != 1) {
      return "has an invalid IPv6 address as its host";
    }
    return std::nullopt;
  }
  if (LooksLikeIpv4(host)) {
    if (ParseIpv4Spelling(host)) return std::nullopt;  // its parts are numbers and no labels
    return "has an invalid IPv4 address as its host";
  }
  absl::string_view name = host;
  if (absl::EndsWith(name, ".")) name.remove_suffix(1);
  if (name.size() > kMaxHostLength) return "has a host of more than 253 characters";
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty() || label.size() > kMaxLabelLength) {
      return "has a host with a label that is not 1 to 63 characters long";
    }
    for (const unsigned char c : label) {
      if (!absl::ascii_isalnum(c) && c != '-' && c != '_') {
        return "has a host with characters other than A-Z a-z 0-9 - _ .";
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> UrlSyntaxError(absl::string_view url) {
  const size_t length = CodePointCount(url);
  if (length == absl::string_view::npos) return "is not valid UTF-8";
  if (length < kMinUrlLength || length > kMaxUrlLength) {
    return absl::StrCat("must be ", kMinUrlLength, " to ", kMaxUrlLength, " characters, has ",
                        length);
  }
  absl::string_view rest = url;
  const size_t scheme_end = rest.find("://");
  const absl::string_view scheme =
      scheme_end == absl::string_view::npos ? "" : rest.substr(0, scheme_end);
  if (!absl::EqualsIgnoreCase(scheme, "http") && !absl::EqualsIgnoreCase(scheme, "https")) {
    return "must be absolute, starting with http:// or https://";
  }
  rest.remove_prefix(scheme_end + 3);
  const absl::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (!IsGraphic(authority)) {
    return "must have a host without spaces and in ASCII (an international name in its xn-- form)";
  }
  if (!IsGraphic(url)) {
    return absl::StrCat("must be ASCII without spaces and control characters; escaped it is ",
                        PercentEscaped(url));
  }
  if (absl::StrContains(authority, '@')) {
    return "must not hold user information; use an Authorization header";
  }

  absl::string_view host = authority;
  // Inside [...] a colon belongs to the address.
  const bool is_address = absl::StartsWith(authority, "[");
  const size_t colon = authority.find(':', is_address ? authority.find(']') : 0);
  if (colon != absl::string_view::npos) {
    host = authority.substr(0, colon);
    const absl::string_view port = authority.substr(colon + 1);
    int number = 0;
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
    if (!digits || !absl::SimpleAtoi(port, &number) || number < 1 || number > 65535) {
      return "must have a port of 1 to 65535, or none";
    }
  }
  return HostError(host);
}

std::string MaskUrlQuery(absl::string_view url) {
  // A fragment is never sent, but people put secrets there too.
  const size_t end = url.find_first_of("?#");
  if (end == absl::string_view::npos) return std::string(url);
  return absl::StrCat(url.substr(0, end + 1), "***");
}

}  // namespace latchwire
