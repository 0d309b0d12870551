#include "core/net/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/net/tls_profile.h"

namespace latchwire {

namespace ssl = boost::asio::ssl;

TlsClient::TlsClient() : context_(ssl::context::tls_client) {
  SSL_CTX* const native = context_.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  static constexpr uint8_t kAlpn[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(native, kAlpn, sizeof(kAlpn) - 1);
  context_.set_verify_mode(ssl::verify_peer);
}

TlsClient::TlsClient(const std::string& trust_store_path, const std::string& extra_trusted_pem)
    : TlsClient() {
  boost::system::error_code error;
  if (!trust_store_path.empty()) {
    context_.load_verify_file(trust_store_path, error);
    if (error) {
      status_ = absl::FailedPreconditionError(
          absl::StrCat("the trust store ", trust_store_path, " cannot be read: ", error.message()));
    }
  }
  if (!extra_trusted_pem.empty()) {
    context_.add_certificate_authority(boost::asio::buffer(extra_trusted_pem), error);
    if (error) {
      status_ = absl::FailedPreconditionError(
          absl::StrCat("the additional trusted certificates are no PEM: ", error.message()));
    }
  }
}

TlsClient::TlsClient(const TlsProfile& profile, TlsClient& base) : TlsClient() {
  const absl::StatusOr<ParsedTlsProfile> parsed = ParseTlsProfile(profile);
  if (!parsed.ok()) {
    status_ = absl::FailedPreconditionError(
        absl::StrCat("the webhook's TLS settings: ", parsed.status().message()));
    return;
  }
  SSL_CTX* const native = context_.native_handle();
  if (parsed->authorities.empty()) {
    status_ = base.status_;
    X509_STORE* const store = SSL_CTX_get_cert_store(base.context_.native_handle());
    X509_STORE_up_ref(store);
    SSL_CTX_set_cert_store(native, store);  // takes the reference
  } else {
    X509_STORE* const store = SSL_CTX_get_cert_store(native);  // new, and empty
    // An authority may be an intermediate one, whose own issuer is not to be trusted.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    for (const auto& authority : parsed->authorities) X509_STORE_add_cert(store, authority.get());
  }
  if (parsed->private_key != nullptr && !UseIdentity(*parsed, native)) {
    status_ = absl::FailedPreconditionError(
        "the webhook's TLS settings: private_key_pem is of a kind that TLS cannot use");
  }
  ERR_clear_error();
}

absl::Status CheckTlsProfile(const TlsProfile& profile) {
  if (absl::Status status = ParseTlsProfile(profile).status(); !status.ok()) return status;
  TlsClient nobody("", "");
  const absl::Status status = TlsClient(profile, nobody).status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError("private_key_pem is of a kind that TLS cannot use");
}

std::unique_ptr<TlsClient::Stream> TlsClient::NewStream(boost::asio::ip::tcp::socket& socket,
                                                        const std::string& host,
                                                        bool host_is_address) {
  auto stream = std::make_unique<Stream>(socket, context_);
  SSL* const native = stream->native_handle();
  X509_VERIFY_PARAM* const param = SSL_get0_param(native);
  bool ok;
  if (host_is_address) {
    ok = X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1;
  } else {
    const std::string name(absl::StripSuffix(host, "."));  // certificates leave the root out
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ok = X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(native, name.c_str()) == 1;
  }
  // Without the check of the name any certificate would do.
  if (!ok) return nullptr;
  return stream;
}

std::string TlsClient::Describe(Stream& stream, const boost::system::error_code& error) {
  // Until a certificate was looked at, the result is that of a call out of order.
  const long verified = SSL_get_verify_result(stream.native_handle());
  if (verified != X509_V_OK && verified != X509_V_ERR_INVALID_CALL) {
    return absl::StrCat("the certificate was refused: ", X509_verify_cert_error_string(verified));
  }
  if (error.category() == boost::asio::error::get_ssl_category()) {
    const char* reason = ERR_reason_error_string(static_cast<uint32_t>(error.value()));
    if (reason != nullptr) return reason;
  }
  return error.message();
}

}  // namespace latchwire
