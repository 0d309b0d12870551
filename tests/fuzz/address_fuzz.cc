// Addresses and networks: text that is taken comes back as itself, and an IPv4 address that is
// refused is refused inside every IPv6 address that leads to it.
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/http/ip_address.h"
#include "core/net/address_guard.h"
#include "tests/fuzz/check.h"

namespace latchwire {
namespace {

void CheckText(absl::string_view text) {
  if (const auto address = IpAddress::Parse(text)) {
    FUZZ_CHECK(IpAddress::Parse(address->ToString()) == address);
    // What the strict reader takes, the lenient one takes alike.
    if (!address->is_v6) {
      FUZZ_CHECK(LooksLikeIpv4(text) && IpAddress::ParseIpv4Spelling(text) == address);
    }
  }
  if (const auto spelled = IpAddress::ParseIpv4Spelling(text)) {
    FUZZ_CHECK(!spelled->is_v6 && IpAddress::Parse(spelled->ToString()) == spelled);
    FUZZ_CHECK(IpAddress::ParseIpv4Spelling(spelled->ToString()) == spelled);
    FUZZ_CHECK(LooksLikeIpv4(text));
  }
  const auto networks = ParseIpNetworks(text);
  if (!networks.ok()) return;
  const AddressGuard guard(*networks);
  for (const IpNetwork& network : *networks) {
    const auto again = ParseIpNetwork(network.ToString());
    FUZZ_CHECK(again.ok() && again->base == network.base &&
               again->prefix_length == network.prefix_length);
    FUZZ_CHECK(network.Contains(network.base));
    FUZZ_CHECK(guard.Check(network.base).ok());
  }
}

void CheckHeld(uint32_t v4, uint64_t rest) {
  const AddressGuard guard;
  const IpAddress plain = IpAddress::V4(v4);
  const bool refused = !guard.Check(plain).ok();
  const auto embed = [&](const char* prefix, int at) {
    IpAddress address = *IpAddress::Parse(prefix);
    // Of 6to4, what follows the IPv4 address is free.
    if (at == 2) std::memcpy(address.bytes.data() + 6, &rest, sizeof(rest));
    std::memcpy(address.bytes.data() + at, plain.bytes.data(), 4);
    return address;
  };
  for (const auto& [prefix, at] : {std::pair("::ffff:0:0", 12), std::pair("::ffff:0:0:0", 12),
                                   std::pair("64:ff9b::", 12), std::pair("2002::", 2)}) {
    const bool refused_inside = !guard.Check(embed(prefix, at)).ok();
    FUZZ_CHECK(refused_inside == refused);
  }
}

}  // namespace
}  // namespace latchwire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  latchwire::CheckText(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (size >= 12) {
    uint32_t v4;
    uint64_t rest;
    std::memcpy(&v4, data, sizeof(v4));
    std::memcpy(&rest, data + 4, sizeof(rest));
    latchwire::CheckHeld(v4, rest);
  }
  return 0;
}
