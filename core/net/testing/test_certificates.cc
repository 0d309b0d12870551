#include "core/net/testing/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace latchwire {
namespace {

// A test that cannot make its certificates has nothing to say.
void Require(bool ok) {
  if (!ok) std::abort();
}

std::string Text(BIO* bio) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  Require(BIO_mem_contents(bio, &bytes, &size) == 1);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

std::string Pem(X509* certificate) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return Text(bio.get());
}

std::string Pem(EVP_PKEY* key) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return Text(bio.get());
}

bssl::UniquePtr<EVP_PKEY> MakeKey() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  Require(ec != nullptr && EC_KEY_generate_key(ec.get()) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  Require(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
  return key;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, const_cast<char*>(value.c_str())));
  Require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

bssl::UniquePtr<X509> MakeCertificate(EVP_PKEY* key, const std::string& common_name, long serial,
                                      absl::Duration lifetime) {
  bssl::UniquePtr<X509> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), absl::ToInt64Seconds(lifetime));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const uint8_t*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  Require(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

}  // namespace

struct TestAuthority::Impl {
  explicit Impl(const std::string& name)
      : certificate(MakeCertificate(key.get(), name, 1, absl::Hours(24))) {}

  bssl::UniquePtr<EVP_PKEY> key = MakeKey();
  bssl::UniquePtr<X509> certificate;
  std::string pem;
  long next_serial = 2;
};

TestAuthority::TestAuthority(const std::string& name) : impl_(std::make_unique<Impl>(name)) {
  X509* const own = impl_->certificate.get();
  Require(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
  AddExtension(own, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(own, NID_key_usage, "critical,keyCertSign");
  Require(X509_sign(own, impl_->key.get(), EVP_sha256()) != 0);
  impl_->pem = Pem(own);
}

TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::certificate_pem() const { return impl_->pem; }

TestCertificate TestAuthority::Issue(const std::string& subject_alternative_names,
                                     absl::Duration lifetime) {
  const auto key = MakeKey();
  const auto leaf =
      MakeCertificate(key.get(), "Latchwire test receiver", impl_->next_serial++, lifetime);
  Require(X509_set_issuer_name(leaf.get(), X509_get_subject_name(impl_->certificate.get())) == 1);
  AddExtension(leaf.get(), NID_subject_alt_name, subject_alternative_names);
  Require(X509_sign(leaf.get(), impl_->key.get(), EVP_sha256()) != 0);
  return {Pem(leaf.get()), Pem(key.get())};
}

}  // namespace latchwire
