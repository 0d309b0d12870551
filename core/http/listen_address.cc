#include "core/http/listen_address.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/http/decimal.h"

namespace latchwire {
namespace {

constexpr absl::string_view kPortError = "the port must be 0 to 65535";

// RFC 1123, and no more: letters, digits, hyphens and dots.
bool IsHostName(absl::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.';
  });
}

}  // namespace

std::string ListenAddress::ToString() const {
  if (ip && ip->is_v6) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

ListenAddress ListenAddress::WithPort(uint16_t bound) const {
  ListenAddress address = *this;
  address.port = bound;
  return address;
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return absl::InvalidArgumentError("must be address:port, such as 127.0.0.1:8090");
  }
  absl::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  ListenAddress address;
  address.host = std::string(host);
  address.ip = IpAddress::Parse(host);
  if (address.ip && address.ip->is_v6 && !bracketed) {
    return absl::InvalidArgumentError("an IPv6 address must be in brackets, such as [::1]:8090");
  }
  if (bracketed && !(address.ip && address.ip->is_v6)) {
    return absl::InvalidArgumentError("only an IPv6 address may be in brackets");
  }
  if (!address.ip && !IsHostName(host)) {
    return absl::InvalidArgumentError("must be address:port, such as 127.0.0.1:8090");
  }
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port) return absl::InvalidArgumentError(kPortError);
  address.port = *port;
  return address;
}

absl::StatusOr<ListenAddress> ParseIpListenAddress(absl::string_view text) {
  absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
  if (address.ok() && !address->ip) {
    return absl::InvalidArgumentError("the address must be an IP address, such as 127.0.0.1:8090");
  }
  return address;
}

}  // namespace latchwire
