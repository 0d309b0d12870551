// Converts our addresses to Asio's. Internal to core/net: it pulls in Asio headers.
#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "core/http/ip_address.h"

namespace latchwire {

inline boost::asio::ip::tcp::endpoint ToEndpoint(const IpAddress& address, uint16_t port) {
  namespace ip = boost::asio::ip;
  if (address.is_v6) return {ip::address_v6(address.bytes), port};
  ip::address_v4::bytes_type bytes;
  std::copy_n(address.bytes.begin(), bytes.size(), bytes.begin());
  return {ip::address_v4(bytes), port};
}

}  // namespace latchwire
