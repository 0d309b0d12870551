#include "core/net/tls_profile.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace latchwire {
namespace {

constexpr size_t kMaxCertificates = 64;  // in one member

absl::Status Wrong(absl::string_view member, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(member, " ", what));
}

bssl::UniquePtr<BIO> Reader(const std::string& text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Without it a passphrase would be asked for on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ParseCertificates(absl::string_view member,
                                                                     const std::string& text) {
  std::vector<bssl::UniquePtr<X509>> certificates;
  const bssl::UniquePtr<BIO> reader = Reader(text);
  ERR_clear_error();
  while (true) {
    bssl::UniquePtr<X509> certificate(
        PEM_read_bio_X509(reader.get(), nullptr, NoPassphrase, nullptr));
    if (certificate == nullptr) break;
    if (certificates.size() == kMaxCertificates) {
      return Wrong(member, absl::StrCat("holds more than ", kMaxCertificates, " certificates"));
    }
    certificates.push_back(std::move(certificate));
  }
  const uint32_t error = ERR_peek_last_error();
  ERR_clear_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) {
    return Wrong(member, absl::StrCat("cannot be read: certificate ", certificates.size() + 1,
                                      " is damaged"));
  }
  if (certificates.empty()) return Wrong(member, "holds no certificate in PEM form");
  return certificates;
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParseKey(const std::string& text) {
  constexpr absl::string_view kMember = "private_key_pem";
  ERR_clear_error();
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Reader(text).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key != nullptr) return key;
  if (absl::StrContains(text, "ENCRYPTED")) {
    return Wrong(kMember, "is encrypted; give it without a passphrase");
  }
  return Wrong(kMember, "holds no private key in PEM form that can be read");
}

}  // namespace

absl::StatusOr<ParsedTlsProfile> ParseTlsProfile(const TlsProfile& profile) {
  for (const auto& [member, text] :
       {std::pair<const char*, const std::string*>{"ca_pem", &profile.ca_pem},
        {"certificate_pem", &profile.certificate_pem},
        {"private_key_pem", &profile.private_key_pem}}) {
    if (text->size() > kMaxTlsPemBytes) {
      return Wrong(member, absl::StrCat("has ", text->size(), " bytes; at most ", kMaxTlsPemBytes,
                                        " are allowed"));
    }
  }
  ParsedTlsProfile parsed;
  if (!profile.ca_pem.empty()) {
    auto authorities = ParseCertificates("ca_pem", profile.ca_pem);
    if (!authorities.ok()) return authorities.status();
    parsed.authorities = *std::move(authorities);
  }
  if (profile.certificate_pem.empty() && profile.private_key_pem.empty()) return parsed;
  if (profile.certificate_pem.empty()) {
    return Wrong("certificate_pem", "is missing, while private_key_pem is given");
  }
  if (profile.private_key_pem.empty()) {
    return Wrong("private_key_pem", "is missing, while certificate_pem is given");
  }
  auto certificates = ParseCertificates("certificate_pem", profile.certificate_pem);
  if (!certificates.ok()) return certificates.status();
  parsed.certificates = *std::move(certificates);
  auto key = ParseKey(profile.private_key_pem);
  if (!key.ok()) return key.status();
  parsed.private_key = *std::move(key);
  const bool fits =
      X509_check_private_key(parsed.certificates.front().get(), parsed.private_key.get()) == 1;
  ERR_clear_error();
  if (!fits) {
    return Wrong("private_key_pem", "does not fit the first certificate of certificate_pem");
  }
  return parsed;
}

bool UseIdentity(const ParsedTlsProfile& profile, SSL_CTX* context) {
  LATCHWIRE_CHECK(profile.private_key != nullptr);
  bool ok = SSL_CTX_use_certificate(context, profile.certificates.front().get()) == 1 &&
            SSL_CTX_use_PrivateKey(context, profile.private_key.get()) == 1;
  for (size_t i = 1; ok && i < profile.certificates.size(); ++i) {
    ok = SSL_CTX_add1_chain_cert(context, profile.certificates[i].get()) == 1;
  }
  ERR_clear_error();
  return ok;
}

}  // namespace latchwire
