#include "core/net/address_guard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace latchwire {
namespace {

struct Rule {
  IpNetwork network;
  const char* name;
};

// From IANA's special-purpose registries: whatever is not globally reachable.
const std::vector<Rule>& Rules() {
  static const auto* const rules = [] {
    static constexpr struct {
      const char* network;
      const char* name;
    } kTable[] = {
        {"0.0.0.0/8", "this network"},
        {"10.0.0.0/8", "private"},
        {"100.64.0.0/10", "carrier-grade NAT"},
        {"127.0.0.0/8", "loopback"},
        {"168.63.129.16/32", "cloud platform"},
        {"169.254.0.0/16", "link-local"},
        {"172.16.0.0/12", "private"},
        {"192.0.0.0/24", "protocol assignments"},
        {"192.0.2.0/24", "documentation"},
        {"192.88.99.0/24", "6to4 relay"},
        {"192.168.0.0/16", "private"},
        {"198.18.0.0/15", "benchmarking"},
        {"198.51.100.0/24", "documentation"},
        {"203.0.113.0/24", "documentation"},
        {"224.0.0.0/4", "multicast"},
        {"255.255.255.255/32", "broadcast"},
        {"240.0.0.0/4", "reserved"},
        {"::/128", "unspecified"},
        {"::1/128", "loopback"},
        {"64:ff9b:1::/48", "local NAT64"},
        {"100::/64", "discard"},
        {"2001:2::/48", "benchmarking"},
        {"2001:10::/28", "ORCHID"},
        {"2001:20::/28", "ORCHID"},
        {"2001:db8::/32", "documentation"},
        {"3fff::/20", "documentation"},
        {"5f00::/16", "segment routing"},
        {"fc00::/7", "unique local"},
        {"fe80::/10", "link-local"},
        {"fec0::/10", "site-local"},
        {"ff00::/8", "multicast"},
    };
    auto* made = new std::vector<Rule>;
    for (const auto& entry : kTable) made->push_back({*ParseIpNetwork(entry.network), entry.name});
    return made;
  }();
  return *rules;
}

const Rule* FindRule(const IpAddress& address) {
  for (const Rule& rule : Rules()) {
    if (rule.network.Contains(address)) return &rule;
  }
  return nullptr;
}

IpAddress V4At(const IpAddress& address, int offset, uint8_t invert = 0) {
  IpAddress inner;
  for (int i = 0; i < 4; ++i) inner.bytes[i] = address.bytes[offset + i] ^ invert;
  return inner;
}

bool StartsWith(const IpAddress& address, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.bytes.begin());
}

// The IPv4 addresses that packets to an IPv6 address may end up at.
std::vector<IpAddress> HeldV4(const IpAddress& address) {
  if (!address.is_v6) return {};
  if (StartsWith(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) {
    const bool mapped = address.bytes[10] == 0xFF && address.bytes[11] == 0xFF;
    const bool compatible = address.bytes[10] == 0 && address.bytes[11] == 0;
    if (mapped || compatible) return {V4At(address, 12)};
  }
  if (StartsWith(address, {0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0})) {
    return {V4At(address, 12)};  // translated
  }
  if (StartsWith(address, {0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return {V4At(address, 12)};  // NAT64
  }
  if (StartsWith(address, {0x20, 0x02})) return {V4At(address, 2)};  // 6to4
  if (StartsWith(address, {0x20, 0x01, 0, 0})) {                     // Teredo: server, client
    return {V4At(address, 4), V4At(address, 12, 0xFF)};
  }
  return {};
}

absl::Status Refuse(const std::string& address, const Rule& rule) {
  return absl::PermissionDeniedError(absl::StrCat(
      "address ", address, " is in ", rule.network.ToString(), " (", rule.name,
      "), which deliveries may not reach; the operator can allow it with --allow_networks"));
}

}  // namespace

bool AddressGuard::Allowed(const IpAddress& address) const {
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const IpNetwork& network) { return network.Contains(address); });
}

absl::Status AddressGuard::Check(const IpAddress& address) const {
  if (Allowed(address)) return absl::OkStatus();
  if (const Rule* rule = FindRule(address)) return Refuse(address.ToString(), *rule);
  for (const IpAddress& held : HeldV4(address)) {
    const Rule* rule = FindRule(held);
    if (rule == nullptr || Allowed(held)) continue;
    return Refuse(absl::StrCat(address.ToString(), ", which holds ", held.ToString(), ","), *rule);
  }
  return absl::OkStatus();
}

}  // namespace latchwire
