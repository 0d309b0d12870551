// Which addresses a webhook may be delivered to. Without it, a tenant's URL could reach the
// server's own network: cloud metadata, databases, admin pages.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "core/http/ip_address.h"

namespace latchwire {

// Refuses every address that is not public: private, loopback, link-local, multicast, reserved and
// documentation ranges, and IPv6 addresses that hold such an IPv4 address (IPv4-mapped and
// -compatible, NAT64, 6to4, Teredo). The operator's allowed networks override every rule; an
// address that holds an IPv4 address is allowed if either of them is. Immutable, thread-safe.
class AddressGuard {
 public:
  AddressGuard() = default;
  explicit AddressGuard(std::vector<IpNetwork> allowed) : allowed_(std::move(allowed)) {}

  // PERMISSION_DENIED names the address, the rule, and the setting that would allow it.
  absl::Status Check(const IpAddress& address) const;

 private:
  bool Allowed(const IpAddress& address) const;

  std::vector<IpNetwork> allowed_;
};

}  // namespace latchwire
