// Compares, hashes and reads TLS profiles by content. Internal to core/net: it pulls in OpenSSL
// headers.
#pragma once

#include <openssl/base.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/net/transport.h"

namespace latchwire {

// A profile by its content, for tables; null is a content of its own. Does not own it.
struct TlsProfileRef {
  const TlsProfile* profile = nullptr;

  friend bool operator==(const TlsProfileRef& a, const TlsProfileRef& b) {
    if (a.profile == b.profile) return true;
    return a.profile != nullptr && b.profile != nullptr && *a.profile == *b.profile;
  }
  template <typename H>
  friend H AbslHashValue(H state, const TlsProfileRef& ref) {
    if (ref.profile == nullptr) return H::combine(std::move(state), false);
    return H::combine(std::move(state), true, ref.profile->ca_pem, ref.profile->certificate_pem,
                      ref.profile->private_key_pem);
  }
};

struct ParsedTlsProfile {
  std::vector<bssl::UniquePtr<X509>> authorities;
  std::vector<bssl::UniquePtr<X509>> certificates;  // the leaf first
  bssl::UniquePtr<EVP_PKEY> private_key;            // null without certificates
};

// Errors as those of CheckTlsProfile.
absl::StatusOr<ParsedTlsProfile> ParseTlsProfile(const TlsProfile& profile);

// Makes `context` present the profile's certificate and key, which are set. False if TLS cannot use
// such a key.
bool UseIdentity(const ParsedTlsProfile& profile, SSL_CTX* context);

}  // namespace latchwire
