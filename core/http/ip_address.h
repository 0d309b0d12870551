// IP addresses and networks as values.
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
  // Only the canonical dotted form of IPv4, any form of IPv6 that has no zone and no brackets.
  static std::optional<IpAddress> Parse(absl::string_view text);
  int bits() const { return is_v6 ? 128 : 32; }
  std::string ToString() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct IpNetwork {
  IpAddress base;
  int prefix_length = 0;

  bool Contains(const IpAddress& address) const;
  std::string ToString() const;  // "10.0.0.0/8"
};

// "10.0.0.0/8", "fd00::/8", or a single address. Bits behind the prefix are an error, since they
// are always a mistake: "10.0.0.1/8" is either 10.0.0.1 or 10.0.0.0/8.
absl::StatusOr<IpNetwork> ParseIpNetwork(absl::string_view text);
// Separated by commas, spaces around them ignored; an empty text is an empty list.
absl::StatusOr<std::vector<IpNetwork>> ParseIpNetworks(absl::string_view text);

}  // namespace latchwire
