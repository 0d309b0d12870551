// Caches a TlsClient for each TLS profile in use. Internal to core/net: it pulls in OpenSSL
// headers.
#pragma once

#include <list>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "core/net/tls_client.h"
#include "core/net/tls_profile.h"

namespace latchwire {

// Reading certificates and checking a key takes longer than a request, so the result is kept,
// errors too. Not thread-safe.
class TlsClients {
 public:
  TlsClients(TlsClient* base, size_t max_profiles) : base_(base), max_profiles_(max_profiles) {}

  // `base` for null. Valid until the next call: streams may outlive it.
  TlsClient* Find(const std::shared_ptr<const TlsProfile>& profile);
  size_t size() const { return by_content_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const TlsProfile> profile;
    TlsClient client;
  };
  TlsClient* const base_;
  const size_t max_profiles_;
  std::list<Entry> recent_;  // the most recently used first
  absl::flat_hash_map<TlsProfileRef, std::list<Entry>::iterator> by_content_;
};

}  // namespace latchwire
