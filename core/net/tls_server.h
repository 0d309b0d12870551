// TLS for our own servers, on our prefixed BoringSSL. Internal to core/net: it pulls in OpenSSL
// headers.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "absl/status/statusor.h"
#include "core/http/message.h"

namespace latchwire {

// Makes a context for TLS 1.2 and later. The profile's certificate and key are required; with
// `ca_pem` clients must present a certificate of one of these authorities. INVALID_ARGUMENT, worded
// as by CheckTlsProfile, if no connection could be made with it.
absl::StatusOr<std::unique_ptr<boost::asio::ssl::context>> NewTlsServerContext(
    const TlsProfile& profile);

}  // namespace latchwire
