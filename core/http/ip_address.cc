#include "core/http/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/check.h"
#include "core/http/decimal.h"

namespace latchwire {
namespace {

absl::string_view WithoutRoot(absl::string_view host) {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

// Values past 32 bits are clamped, they are out of range anyway.
std::optional<uint64_t> ParsePart(absl::string_view part) {
  if (part.empty()) return std::nullopt;
  unsigned base = 10;
  if (absl::StartsWithIgnoreCase(part, "0x")) {
    base = 16;
    part.remove_prefix(2);
  } else if (part.size() > 1 && part[0] == '0') {
    base = 8;
    part.remove_prefix(1);
  }
  uint64_t value = 0;
  for (const char c : part) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
    const unsigned digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (digit >= base) return std::nullopt;
    value = std::min<uint64_t>(value * base + digit, uint64_t{1} << 33);
  }
  return value;
}

}  // namespace

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

bool LooksLikeIpv4(absl::string_view host) {
  host = WithoutRoot(host);
  const size_t dot = host.rfind('.');
  const absl::string_view last = dot == absl::string_view::npos ? host : host.substr(dot + 1);
  return IsDecimal(last) || (absl::StartsWithIgnoreCase(last, "0x") && ParsePart(last).has_value());
}

std::optional<IpAddress> IpAddress::ParseIpv4Spelling(absl::string_view host) {
  const std::vector<absl::string_view> parts = absl::StrSplit(WithoutRoot(host), '.');
  if (parts.size() > 4) return std::nullopt;
  uint64_t address = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto value = ParsePart(parts[i]);
    if (!value) return std::nullopt;
    const size_t bytes = i + 1 == parts.size() ? 4 - i : 1;  // the last one fills what is left
    if (*value >= uint64_t{1} << (8 * bytes)) return std::nullopt;
    address = address << (8 * bytes) | *value;
  }
  return V4(static_cast<uint32_t>(address));
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
}

bool IpNetwork::Contains(const IpAddress& address) const {
  LATCHWIRE_DCHECK(prefix_length >= 0 && prefix_length <= base.bits());
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
  const auto prefix = ParseDecimal(length, static_cast<uint32_t>(address->bits()), 3);
  if (!prefix) {
    return absl::InvalidArgumentError(
        absl::StrCat(shown, ": the prefix length must be 0 to ", address->bits()));
  }
  network.prefix_length = static_cast<int>(*prefix);
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
