// Profiles as contents: compared, hashed and read. Internal to core/transport: it pulls in OpenSSL
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
    return a.profile != nullptr && b.profile != nullptr && a.profile->ca_pem == b.profile->ca_pem &&
           a.profile->certificate_pem == b.profile->certificate_pem &&
           a.profile->private_key_pem == b.profile->private_key_pem;
  }
  template <typename H>
  friend H AbslHashValue(H state, const TlsProfileRef& ref) {
    if (ref.profile == nullptr) return H::combine(std::move(state), false);
    return H::combine(std::move(state), true, ref.profile->ca_pem, ref.profile->certificate_pem,
                      ref.profile->private_key_pem);
  }
};

inline bool IsEmpty(const TlsProfile& profile) {
  return profile.ca_pem.empty() && profile.certificate_pem.empty() &&
         profile.private_key_pem.empty();
}

struct ParsedTlsProfile {
  std::vector<bssl::UniquePtr<X509>> authorities;
  std::vector<bssl::UniquePtr<X509>> certificates;  // the leaf first
  bssl::UniquePtr<EVP_PKEY> private_key;            // null without certificates
};

// Errors as those of CheckTlsProfile.
absl::StatusOr<ParsedTlsProfile> ParseTlsProfile(const TlsProfile& profile);

}  // namespace latchwire
