#include "core/http/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace latchwire {

IpAddress IpAddress::V4(uint32_t host_order) {
  IpAddress address;
  for (int i = 0; i < 4; ++i) address.bytes[i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

std::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  // inet_pton needs a terminated string, and the longest address fits well below this.
  char terminated[INET6_ADDRSTRLEN + 1];
  if (text.size() >= sizeof(terminated)) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated);
  terminated[text.size()] = '\0';
  if (text.find('\0') != absl::string_view::npos) return std::nullopt;
  IpAddress address;
  if (inet_pton(AF_INET, terminated, address.bytes.data()) == 1) return address;
  address.is_v6 = true;
  if (inet_pton(AF_INET6, terminated, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
}

bool IpNetwork::Contains(const IpAddress& address) const {
  if (address.is_v6 != base.is_v6) return false;
  for (int bit = 0; bit < prefix_length; bit += 8) {
    const int left = std::min(8, prefix_length - bit);
    const uint8_t mask = static_cast<uint8_t>(0xFF << (8 - left));
    if (((address.bytes[bit / 8] ^ base.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string IpNetwork::ToString() const {
  return absl::StrCat(base.ToString(), "/", prefix_length);
}

absl::StatusOr<IpNetwork> ParseIpNetwork(absl::string_view text) {
  const std::string shown = absl::StrCat("network \"", absl::CHexEscape(text), "\"");
  const size_t slash = text.find('/');
  const auto address = IpAddress::Parse(text.substr(0, slash));
  if (!address) {
    return absl::InvalidArgumentError(
        absl::StrCat(shown, ": not an IP address or network; write it as 10.0.0.0/8 or fd00::/8"));
  }
  IpNetwork network{*address, address->bits()};
  if (slash == absl::string_view::npos) return network;

  const absl::string_view length = text.substr(slash + 1);
  const bool digits = !length.empty() && length.size() <= 3 &&
                      std::all_of(length.begin(), length.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(length, &network.prefix_length) ||
      network.prefix_length > address->bits()) {
    return absl::InvalidArgumentError(
        absl::StrCat(shown, ": the prefix length must be 0 to ", address->bits()));
  }
  IpNetwork cleared = network;
  for (int bit = network.prefix_length; bit < address->bits(); ++bit) {
    cleared.base.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
  }
  if (!(cleared.base == network.base)) {
    return absl::InvalidArgumentError(absl::StrCat(
        shown, ": has bits behind its prefix; did you mean ", cleared.ToString(), "?"));
  }
  return network;
}

absl::StatusOr<std::vector<IpNetwork>> ParseIpNetworks(absl::string_view text) {
  std::vector<IpNetwork> networks;
  if (absl::StripAsciiWhitespace(text).empty()) return networks;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    auto network = ParseIpNetwork(absl::StripAsciiWhitespace(part));
    if (!network.ok()) return network.status();
    networks.push_back(*network);
  }
  return networks;
}

}  // namespace latchwire
