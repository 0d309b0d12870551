// What a TLS profile is refused for, and in which words.
#include "core/net/tls_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/net/testing/test_certificates.h"
#include "core/net/tls_clients.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Error(const TlsProfile& profile) {
  const absl::Status status = CheckTlsProfile(profile);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

class TlsProfileCheck : public ::testing::Test {
 protected:
  TestAuthority authority_;
  const TestCertificate client_ = authority_.Issue("DNS:client.example");
  const TestCertificate other_ = authority_.Issue("DNS:other.example");
};

TEST_F(TlsProfileCheck, WholeOnesPass) {
  EXPECT_TRUE(CheckTlsProfile({}).ok());
  EXPECT_TRUE(CheckTlsProfile({authority_.certificate_pem(), "", ""}).ok());
  EXPECT_TRUE(CheckTlsProfile({"", client_.certificate_pem, client_.private_key_pem}).ok());
  const TestAuthority second("Second");
  EXPECT_TRUE(CheckTlsProfile({absl::StrCat("a comment\n", authority_.certificate_pem(),
                                            second.certificate_pem(), "\n"),
                               absl::StrCat(client_.certificate_pem, authority_.certificate_pem()),
                               client_.private_key_pem})
                  .ok());
}

TEST_F(TlsProfileCheck, TheWrongPartIsNamed) {
  EXPECT_THAT(Error({"nonsense", "", ""}), StartsWith("ca_pem holds no certificate"));
  EXPECT_THAT(Error({client_.private_key_pem, "", ""}), StartsWith("ca_pem holds no certificate"));
  EXPECT_THAT(Error({"", "nonsense", client_.private_key_pem}),
              StartsWith("certificate_pem holds no certificate"));
  EXPECT_THAT(Error({"", client_.certificate_pem, "nonsense"}),
              StartsWith("private_key_pem holds no private key"));
  EXPECT_THAT(Error({"", client_.certificate_pem, client_.certificate_pem}),
              StartsWith("private_key_pem holds no private key"));
  EXPECT_THAT(Error({"", client_.certificate_pem, ""}), StartsWith("private_key_pem is missing"));
  EXPECT_THAT(Error({"", "", client_.private_key_pem}), StartsWith("certificate_pem is missing"));
  EXPECT_THAT(Error({"", client_.certificate_pem, other_.private_key_pem}),
              StartsWith("private_key_pem does not fit"));
}

TEST_F(TlsProfileCheck, ADamagedBundleIsNotHalfTaken) {
  std::string damaged = client_.certificate_pem;
  damaged.replace(damaged.size() / 2, 4, "!!!!");
  const std::string bundle = absl::StrCat(authority_.certificate_pem(), damaged);
  EXPECT_EQ(Error({bundle, "", ""}), "ca_pem cannot be read: certificate 2 is damaged");
  EXPECT_EQ(Error({damaged, "", ""}), "ca_pem cannot be read: certificate 1 is damaged");
}

TEST_F(TlsProfileCheck, AnEncryptedKeyIsToldApartAndNoPassphraseIsAskedFor) {
  const std::string key =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBK\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  EXPECT_EQ(Error({"", client_.certificate_pem, key}),
            "private_key_pem is encrypted; give it without a passphrase");
}

TEST_F(TlsProfileCheck, SizesAreBounded) {
  EXPECT_EQ(Error({std::string(kMaxTlsPemBytes + 1, 'x'), "", ""}),
            "ca_pem has 65537 bytes; at most 65536 are allowed");
  std::string many;
  for (int i = 0; i < 65; ++i) many += authority_.certificate_pem();
  EXPECT_EQ(Error({many, "", ""}), "ca_pem holds more than 64 certificates");
}

TEST_F(TlsProfileCheck, KeyMaterialIsNeverQuoted) {
  const std::string secret = "c2VjcmV0IG1hdGVyaWFs";
  for (const std::string& key :
       {secret,
        absl::StrCat("-----BEGIN PRIVATE KEY-----\n", secret, "\n-----END PRIVATE KEY-----\n"),
        absl::StrCat("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", secret)}) {
    EXPECT_FALSE(absl::StrContains(Error({"", client_.certificate_pem, key}), secret));
    EXPECT_FALSE(absl::StrContains(Error({key, "", ""}), secret));
  }
}

TEST_F(TlsProfileCheck, ClientsAreKeptByContentWithinABound) {
  TlsClient base("", authority_.certificate_pem());
  TlsClients clients(&base, 2);
  const auto profile = [&](const TestCertificate& certificate) {
    return std::make_shared<const TlsProfile>(
        TlsProfile{"", certificate.certificate_pem, certificate.private_key_pem});
  };
  EXPECT_EQ(clients.Find(nullptr), &base);
  TlsClient* const first = clients.Find(profile(client_));
  EXPECT_TRUE(first->status().ok());
  EXPECT_EQ(clients.Find(profile(client_)), first);
  TlsClient* const second = clients.Find(profile(other_));
  EXPECT_NE(second, first);
  EXPECT_EQ(clients.Find(profile(client_)), first);  // now the second is the older
  TlsClient* const bad = clients.Find(std::make_shared<const TlsProfile>(TlsProfile{"x", "", ""}));
  EXPECT_THAT(std::string(bad->status().message()), HasSubstr("ca_pem holds no certificate"));
  EXPECT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients.Find(profile(client_)), first);
}

}  // namespace
}  // namespace latchwire
