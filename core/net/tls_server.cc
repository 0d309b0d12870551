#include "core/net/tls_server.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "core/net/tls_profile.h"

namespace latchwire {

namespace ssl = boost::asio::ssl;

absl::StatusOr<std::unique_ptr<ssl::context>> NewTlsServerContext(const TlsProfile& profile) {
  absl::StatusOr<ParsedTlsProfile> parsed = ParseTlsProfile(profile);
  if (!parsed.ok()) return parsed.status();
  if (parsed->private_key == nullptr) {
    return absl::InvalidArgumentError("certificate_pem is missing; a server needs one");
  }
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  if (!UseIdentity(*parsed, native)) {
    return absl::InvalidArgumentError("private_key_pem is of a kind that TLS cannot use");
  }
  if (!parsed->authorities.empty()) {
    X509_STORE* const store = SSL_CTX_get_cert_store(native);
    // An authority may be an intermediate one, whose own issuer is not to be trusted.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    for (const auto& authority : parsed->authorities) X509_STORE_add_cert(store, authority.get());
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    // Sessions are not resumed: without a session id context that is an error.
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
  }
  return context;
}

}  // namespace latchwire
