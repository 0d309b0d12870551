// TLS to receivers, on our prefixed BoringSSL. Internal to core/net: it pulls in OpenSSL headers.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "core/net/transport.h"

namespace latchwire {

class TlsClient {
 public:
  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

  TlsClient(const std::string& trust_store_path, const std::string& extra_trusted_pem);
  // Shares the trust store of `base` unless the profile has its own authorities.
  TlsClient(const TlsProfile& profile, TlsClient& base);

  // Why no https request can work, such as a trust store that cannot be read.
  const absl::Status& status() const { return status_; }
  // A stream that will accept only a certificate for `host`, a name or an address. It may outlive
  // this. Null if such a host cannot be verified.
  std::unique_ptr<Stream> NewStream(boost::asio::ip::tcp::socket& socket, const std::string& host,
                                    bool host_is_address);
  // Explains to people why a handshake failed.
  static std::string Describe(Stream& stream, const boost::system::error_code& error);

 private:
  TlsClient();

  boost::asio::ssl::context context_;
  absl::Status status_;
};

}  // namespace latchwire
