// A webhook's own authorities and client certificate, on the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/net/beast_transport.h"
#include "core/net/testing/loopback_server.h"
#include "core/net/testing/test_certificates.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

class BeastTransportTlsProfile : public ::testing::Test {
 protected:
  std::unique_ptr<LoopbackServer> Serve(LoopbackServerOptions options = {}) {
    options.certificate = authority_.Issue("IP:127.0.0.1");
    return std::make_unique<LoopbackServer>(
        [](const ServerRequest&) { return ServerScript::Answer(200); }, options);
  }
  LoopbackServerOptions DemandingClients() {
    LoopbackServerOptions options;
    options.client_ca_pem = client_authority_.certificate_pem();
    return options;
  }
  static std::shared_ptr<const TlsProfile> Profile(const std::string& ca_pem,
                                                   const TestCertificate& client = {}) {
    return std::make_shared<const TlsProfile>(
        TlsProfile{ca_pem, client.certificate_pem, client.private_key_pem});
  }
  static HttpRequest To(const LoopbackServer& server, std::shared_ptr<const TlsProfile> tls) {
    HttpRequest request = TransportRunner::Post(server.Url());
    request.tls = std::move(tls);
    return request;
  }
  BeastTransportOptions Trusting(const std::string& pem) {
    BeastTransportOptions options = TransportRunner::LoopbackOptions();
    options.extra_trusted_pem = pem;
    return options;
  }

  TestAuthority authority_{"Of receivers"};
  TestAuthority client_authority_{"Of clients"};
};

TEST_F(BeastTransportTlsProfile, TheOwnAuthorityIsTrusted) {
  const auto server = Serve();
  TransportRunner runner;  // whose trust store is empty
  EXPECT_EQ(runner.Send(To(*server, nullptr)).error, TransportError::kTls);
  const HttpResult result = runner.Send(To(*server, Profile(authority_.certificate_pem())));
  EXPECT_EQ(result.http_status, 200) << result.detail;
}

TEST_F(BeastTransportTlsProfile, TheOwnAuthorityIsTheOnlyOne) {
  const auto server = Serve();
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  EXPECT_EQ(runner.Send(To(*server, nullptr)).http_status, 200);
  TestAuthority other("Another"), impostor("Of receivers");
  for (TestAuthority* wrong : {&other, &impostor}) {
    const HttpResult result = runner.Send(To(*server, Profile(wrong->certificate_pem())));
    EXPECT_EQ(result.error, TransportError::kTls);
    EXPECT_THAT(result.detail, HasSubstr("the certificate was refused"));
  }
  EXPECT_EQ(server->requests().size(), 1u);
}

TEST_F(BeastTransportTlsProfile, TheRightClientCertificateIsLetIn) {
  const auto server = Serve(DemandingClients());
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  const TestCertificate client = client_authority_.Issue("DNS:client.example");
  // With the transport's trust, and with its own.
  for (const std::string& ca_pem : {std::string(), authority_.certificate_pem()}) {
    const HttpResult result = runner.Send(To(*server, Profile(ca_pem, client)));
    EXPECT_EQ(result.http_status, 200) << result.detail;
  }
}

TEST_F(BeastTransportTlsProfile, AMissingOrWrongClientCertificateIsATlsError) {
  for (const bool only_tls_1_2 : {false, true}) {
    LoopbackServerOptions options = DemandingClients();
    options.only_tls_1_2 = only_tls_1_2;
    const auto server = Serve(options);
    TransportRunner runner(Trusting(authority_.certificate_pem()));
    const HttpResult missing = runner.Send(To(*server, nullptr));
    EXPECT_EQ(missing.error, TransportError::kTls) << missing.detail;
    EXPECT_THAT(missing.detail, HasSubstr("TLS with 127.0.0.1:"));
    TestAuthority stranger("A stranger");
    const HttpResult wrong =
        runner.Send(To(*server, Profile("", stranger.Issue("DNS:client.example"))));
    EXPECT_EQ(wrong.error, TransportError::kTls) << wrong.detail;
    EXPECT_TRUE(server->requests().empty());
  }
}

TEST_F(BeastTransportTlsProfile, AProfileThatCannotBeReadSaysWhichPart) {
  const auto server = Serve();
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  const TestCertificate one = client_authority_.Issue("DNS:one.example");
  const TestCertificate two = client_authority_.Issue("DNS:two.example");
  HttpResult result =
      runner.Send(To(*server, Profile("", {one.certificate_pem, two.private_key_pem})));
  EXPECT_EQ(result.error, TransportError::kTls);
  EXPECT_EQ(result.detail,
            "the webhook's TLS settings: private_key_pem does not fit the first certificate of "
            "certificate_pem");
  result = runner.Send(To(*server, Profile("nonsense")));
  EXPECT_EQ(result.error, TransportError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("ca_pem holds no certificate"));
  EXPECT_EQ(server->accepted_connections(), 0);
}

TEST_F(BeastTransportTlsProfile, ConnectionsAreSharedByContentOnly) {
  const auto server = Serve();
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  const TestCertificate one = client_authority_.Issue("DNS:one.example");
  const TestCertificate two = client_authority_.Issue("DNS:two.example");
  const std::string& ca_pem = authority_.certificate_pem();
  EXPECT_FALSE(runner.Send(To(*server, Profile(ca_pem, one))).reused_connection);
  EXPECT_FALSE(runner.Send(To(*server, Profile(ca_pem, two))).reused_connection);
  EXPECT_FALSE(runner.Send(To(*server, Profile(ca_pem))).reused_connection);
  EXPECT_FALSE(runner.Send(To(*server, nullptr)).reused_connection);
  EXPECT_EQ(server->accepted_connections(), 4);
  // The same contents again, in other objects; an empty profile is none.
  EXPECT_TRUE(runner.Send(To(*server, Profile(ca_pem, one))).reused_connection);
  EXPECT_TRUE(runner.Send(To(*server, Profile(ca_pem, two))).reused_connection);
  EXPECT_TRUE(runner.Send(To(*server, Profile(ca_pem))).reused_connection);
  EXPECT_TRUE(runner.Send(To(*server, Profile(""))).reused_connection);
  const std::vector<ServerRequest> requests = server->requests();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(requests[i + 4].connection, requests[i].connection);
}

TEST_F(BeastTransportTlsProfile, MoreProfilesThanAreKeptStillWork) {
  const auto server = Serve(DemandingClients());
  BeastTransportOptions options = Trusting(authority_.certificate_pem());
  options.max_tls_profiles = 1;
  TransportRunner runner(options);
  const TestCertificate one = client_authority_.Issue("DNS:one.example");
  const TestCertificate two = client_authority_.Issue("DNS:two.example");
  for (int i = 0; i < 3; ++i) {
    for (const TestCertificate& client : {one, two}) {
      const HttpResult result = runner.Send(To(*server, Profile("", client)));
      EXPECT_EQ(result.http_status, 200) << result.detail;
      EXPECT_EQ(result.reused_connection, i > 0);
    }
  }
}

TEST_F(BeastTransportTlsProfile, PlainHttpHasNoProfile) {
  LoopbackServer server([](const ServerRequest&) { return ServerScript::Answer(200); });
  TransportRunner runner;
  EXPECT_EQ(runner.Send(To(server, Profile("nonsense"))).http_status, 200);
  EXPECT_TRUE(runner.Send(To(server, nullptr)).reused_connection);
}

}  // namespace
}  // namespace latchwire
