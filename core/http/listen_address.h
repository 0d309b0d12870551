// Where a program listens, as an operator writes it: `127.0.0.1:8090`, `[::1]:8090`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/http/ip_address.h"

namespace latchwire {

struct ListenAddress {
  std::string host;             // as given, without the brackets of an IPv6 address
  std::optional<IpAddress> ip;  // unset when the host is a name
  uint16_t port = 0;            // 0: any free one

  std::string ToString() const;  // "127.0.0.1:8090", "[::1]:8090", "localhost:8090"
  // The same host with `port`, the one that was bound.
  ListenAddress WithPort(uint16_t bound) const;
};

// Parses `host:port`, where an IPv6 address is in brackets. The port is decimal. INVALID_ARGUMENT
// says what it must be, worded to follow the setting's name and value.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);
// The same for sockets that are bound without a name look-up: refuses names, so `ip` is set.
absl::StatusOr<ListenAddress> ParseIpListenAddress(absl::string_view text);

}  // namespace latchwire
