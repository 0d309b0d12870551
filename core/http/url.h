// The URL of a receiver, taken apart once and kept byte for byte where the receiver sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/http/ip_address.h"

namespace latchwire {

inline constexpr size_t kMinUrlCodePoints = 4;
inline constexpr size_t kMaxUrlCodePoints = 2000;

struct Url {
  bool is_https = false;
  // A name in lower case, or an address in canonical form without brackets.
  std::string host;
  // Set when the host is an address in any spelling that browsers and resolvers accept (0x7f.1,
  // 2130706433, 0177.0.0.1 are all 127.0.0.1), so that no spelling gets around the address guard.
  std::optional<IpAddress> address;
  uint16_t port = 0;
  // Path and query as given: dot segments, escapes and their case are kept, the fragment is
  // dropped, an empty path is "/".
  std::string target;
  // Value of the Host header: brackets around IPv6, the scheme's own port left out.
  std::string host_header;
  // Scheme, host and port, such as "https://example.com:443": what a connection can be shared for.
  std::string origin;
};

// Absolute http and https only. Anything else is an INVALID_ARGUMENT that says what is wrong;
// characters that a URL cannot hold are shown in their escaped form.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

}  // namespace latchwire
