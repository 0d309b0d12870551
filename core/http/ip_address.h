// IP addresses and networks as values, parsed from every spelling that may occur.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire {

struct IpAddress {
  bool is_v6 = false;
  std::array<uint8_t, 16> bytes{};  // network order; IPv4 uses the first four

  static IpAddress V4(uint32_t host_order);
  // Strict: IPv4 is four decimal parts without leading zeros, IPv6 any form without a zone or
  // brackets.
  static std::optional<IpAddress> Parse(absl::string_view text);
  // As browsers and resolvers read the host of a URL: one to four parts, each decimal, 0x
  // hexadecimal or 0 octal, of which the last fills what is left, so 0x7f.1, 2130706433 and
  // 0177.0.0.1. are all 127.0.0.1. Nothing when a part is not a number or out of range.
  static std::optional<IpAddress> ParseIpv4Spelling(absl::string_view host);
  int bits() const { return is_v6 ? 128 : 32; }
  std::string ToString() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// Whether a host can only be an IPv4 address: if its last label is a number, it is an address or
// invalid, but never a name. A single dot at the end, the root's, is ignored.
bool LooksLikeIpv4(absl::string_view host);

struct IpNetwork {
  IpAddress base;
  int prefix_length = 0;  // 0 to base.bits(); the bits of `base` behind it are 0

  bool Contains(const IpAddress& address) const;
  std::string ToString() const;  // "10.0.0.0/8"
};

// "10.0.0.0/8", "fd00::/8", or a single address. Bits beyond the prefix are refused, since they are
// always a mistake: "10.0.0.1/8" means either 10.0.0.1 or 10.0.0.0/8. INVALID_ARGUMENT names the
// text and what is wrong with it.
absl::StatusOr<IpNetwork> ParseIpNetwork(absl::string_view text);
// Networks separated by commas, spaces around them ignored; an empty string is an empty list.
absl::StatusOr<std::vector<IpNetwork>> ParseIpNetworks(absl::string_view text);

}  // namespace latchwire
