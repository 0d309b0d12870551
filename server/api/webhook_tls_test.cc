// A webhook's client certificate: what is refused, shown, and kept.
#include <gmock/gmock.h>

#include "core/net/testing/test_certificates.h"
#include "server/api/webhook_converter.h"
#include "server/api/webhook_limits_converter.h"
#include "server/api/webhook_update.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class WebhookTlsTest : public ::testing::Test {
 protected:
  WebhookTlsTest() {
    const TestCertificate made = authority_.Issue("DNS:receiver.example");
    proto_.set_url("https://hooks.example/");
    proto_.set_secret("whsec_" + std::string(32, 'A'));
    proto_.mutable_tls()->set_ca_certificates(authority_.certificate_pem());
    proto_.mutable_tls()->set_client_certificate(made.certificate_pem);
    proto_.mutable_tls()->set_client_key(made.private_key_pem);
    EXPECT_TRUE(FromProto(proto_, absl::UnixEpoch(), &webhook_).empty());
  }
  absl::StatusOr<Webhook> Update(const v1::Webhook& patch, const std::string& path) {
    v1::UpdateWebhookRequest request;
    *request.mutable_webhook() = patch;
    request.mutable_update_mask()->add_paths(path);
    const auto fields = FieldsToChange(request);
    if (!fields.ok()) return fields.status();
    return ApplyUpdate(webhook_, request, *fields, absl::Now());
  }

  TestAuthority authority_;
  v1::Webhook proto_;
  Webhook webhook_;
};

TEST_F(WebhookTlsTest, TheKeyIsNeverShown) {
  for (const Secrets secrets : {Secrets::kCreated, Secrets::kHeaders, Secrets::kNone}) {
    v1::Webhook shown;
    ToProto(webhook_, secrets, &shown);
    EXPECT_EQ(shown.tls().client_certificate(), proto_.tls().client_certificate());
    EXPECT_THAT(shown.DebugString(), Not(HasSubstr("PRIVATE KEY")));
  }
}

TEST_F(WebhookTlsTest, TheKeyStaysWithItsCertificate) {
  v1::Webhook patch;
  ToProto(webhook_, Secrets::kHeaders, &patch);
  patch.mutable_tls()->clear_ca_certificates();
  for (const char* path : {"tls", "*"}) {
    const auto updated = Update(patch, path);
    ASSERT_TRUE(updated.ok()) << updated.status();
    EXPECT_EQ(updated->tls->private_key_pem, proto_.tls().client_key());
    EXPECT_EQ(updated->tls->ca_pem, "");
  }
  const auto other = Update(v1::Webhook(), "display_name");
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(*other->tls, *webhook_.tls);
  // Not with another certificate.
  patch.mutable_tls()->set_client_certificate(authority_.Issue("DNS:b.example").certificate_pem);
  EXPECT_EQ(Update(patch, "tls").status().code(), absl::StatusCode::kInvalidArgument);
  const auto without = Update(v1::Webhook(), "tls");
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without->tls, nullptr);
}

TEST_F(WebhookTlsTest, WhatCouldNeverConnectIsRefusedByItsOwnName) {
  std::vector<FieldViolation> violations;
  v1::ClientTls tls = proto_.tls();
  tls.set_client_certificate("no PEM");
  TlsFromProto(tls, &violations);
  tls = proto_.tls();
  tls.set_client_key(authority_.Issue("DNS:b.example").private_key_pem);
  TlsFromProto(tls, &violations);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) {
    fields.push_back(violation.field);
    EXPECT_THAT(violation.description, Not(HasSubstr("_pem")));
  }
  EXPECT_THAT(fields, ElementsAre("webhook.tls.client_certificate", "webhook.tls.client_key"));
}

}  // namespace
}  // namespace latchwire
