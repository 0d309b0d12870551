// Certificates made on the spot, for tests of TLS.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace latchwire {

struct TestCertificate {
  std::string certificate_pem;
  std::string private_key_pem;
  bool empty() const { return certificate_pem.empty(); }
};

// A certificate authority with a key of its own, P-256.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Latchwire test authority");
  ~TestAuthority();

  const std::string& certificate_pem() const;
  // Issues a certificate for names such as "DNS:a.example" or "IP:127.0.0.1", valid from a day ago
  // until `lifetime` from now.
  TestCertificate Issue(const std::string& subject_alternative_names,
                        absl::Duration lifetime = absl::Hours(24));

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace latchwire
