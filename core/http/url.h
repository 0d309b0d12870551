// The URL of a receiver: the only parser, for what users save, for what is connected to, and for
// what the address guard judges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/http/ip_address.h"

namespace latchwire {

inline constexpr size_t kMinUrlLength = 4;  // characters
inline constexpr size_t kMaxUrlLength = 2000;

struct Url {
  bool is_https = false;
  // A name in lower case, or an address in canonical form without brackets.
  std::string host;
  // Set when the host is an address in any spelling that browsers and resolvers accept (0x7f.1,
  // 2130706433, 0177.0.0.1 are all 127.0.0.1), so that no spelling gets around the address guard.
  std::optional<IpAddress> address;
  uint16_t port = 0;  // never 0 once parsed
  // Path and query as given: dot segments, escapes and their case are kept, the fragment is
  // dropped, an empty path is "/".
  std::string target;
  // Value of the Host header: brackets around IPv6, without the scheme's default port.
  std::string host_header;
  // Scheme, host and port, such as "https://example.com:443". URLs of one origin share connections.
  std::string origin;
};

// Takes an absolute http or https URL of kMinUrlLength to kMaxUrlLength printable ASCII characters
// without user information, with a host and, if any, a port of 1 to 65535. Path, query and fragment
// are not looked into. Anything else is INVALID_ARGUMENT; the message says what the URL must be, to
// follow its name ("url must have a host"), and never shows user information, query or fragment,
// where secrets travel.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// Masks a URL for logs and for viewers, who may not see secrets: "https://a.example/x?token=1"
// becomes "https://a.example/x?***". A URL without query and fragment is unchanged.
std::string MaskUrlQuery(absl::string_view url);

}  // namespace latchwire
