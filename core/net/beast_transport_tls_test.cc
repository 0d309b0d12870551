// Only the receiver that was meant, over nothing older than TLS 1.2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/net/beast_transport.h"
#include "core/net/testing/loopback_dns_server.h"
#include "core/net/testing/loopback_server.h"
#include "core/net/testing/test_certificates.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

class BeastTransportTls : public ::testing::Test {
 protected:
  std::unique_ptr<LoopbackServer> Serve(TestCertificate certificate, bool only_tls_1_1 = false,
                                        ServerScript script = ServerScript::Answer(200, "hi")) {
    LoopbackServerOptions options;
    options.certificate = std::move(certificate);
    options.only_tls_1_1 = only_tls_1_1;
    return std::make_unique<LoopbackServer>([script](const ServerRequest&) { return script; },
                                            options);
  }
  BeastTransportOptions Trusting(const std::string& pem) {
    BeastTransportOptions options = TransportRunner::LoopbackOptions();
    options.extra_trusted_pem = pem;
    options.dns_servers = dns_.address();
    return options;
  }
  HttpRequest To(const std::string& host, const LoopbackServer& server) {
    return TransportRunner::Post(absl::StrCat("https://", host, ":", server.port(), "/x"));
  }

  TestAuthority authority_;
  LoopbackDnsServer dns_{[](const std::string&) {
    DnsReply reply;
    reply.addresses = {"127.0.0.1"};
    return reply;
  }};
};

TEST_F(BeastTransportTls, TheRightNameIsServed) {
  const auto server = Serve(authority_.Issue("DNS:door.example,DNS:*.wild.example"));
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  for (const char* host : {"door.example", "a.wild.example", "DOOR.example", "door.example."}) {
    const HttpResult result = runner.Send(To(host, *server));
    EXPECT_EQ(result.error, TransportError::kNone) << host << ": " << result.detail;
    EXPECT_EQ(result.http_status, 200);
    EXPECT_EQ(result.body, "hi");
  }
  EXPECT_EQ(server->requests()[0].server_name, "door.example");
  EXPECT_EQ(server->requests()[3].server_name, "door.example");
  EXPECT_TRUE(runner.Send(To("door.example", *server)).reused_connection);
}

TEST_F(BeastTransportTls, AnAddressIsANameToo) {
  const auto server = Serve(authority_.Issue("IP:127.0.0.1"));
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  EXPECT_EQ(runner.Send(To("127.0.0.1", *server)).http_status, 200);
  EXPECT_EQ(server->requests()[0].server_name, "");
  const HttpResult other = runner.Send(To("127.0.0.2", *server));
  EXPECT_EQ(other.error, TransportError::kConnect);  // nobody listens there
  EXPECT_EQ(runner.Send(To("door.example", *server)).error, TransportError::kTls);
}

TEST_F(BeastTransportTls, TheWrongNameIsRefused) {
  const auto server = Serve(authority_.Issue("DNS:door.example,DNS:*.wild.example"));
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  for (const char* host : {"gate.example", "wild.example", "a.b.wild.example", "127.0.0.1"}) {
    const HttpResult result = runner.Send(To(host, *server));
    EXPECT_EQ(result.error, TransportError::kTls) << host;
    EXPECT_THAT(result.detail, HasSubstr("mismatch")) << host;
  }
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(BeastTransportTls, AnUnknownAuthorityIsRefused) {
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  TestAuthority stranger("Somebody else"), impostor;  // the latter bears the trusted one's name
  for (TestAuthority* authority : {&stranger, &impostor}) {
    const auto server = Serve(authority->Issue("DNS:door.example"));
    const HttpResult result = runner.Send(To("door.example", *server));
    EXPECT_EQ(result.error, TransportError::kTls);
    EXPECT_THAT(result.detail, HasSubstr("the certificate was refused"));
    EXPECT_TRUE(server->requests().empty());
  }
}

TEST_F(BeastTransportTls, AnExpiredCertificateIsRefused) {
  const auto server = Serve(authority_.Issue("DNS:door.example", -absl::Hours(1)));
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  const HttpResult result = runner.Send(To("door.example", *server));
  EXPECT_EQ(result.error, TransportError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("expired"));
}

TEST_F(BeastTransportTls, OldVersionsAreRefused) {
  const auto server = Serve(authority_.Issue("DNS:door.example"), /*only_tls_1_1=*/true);
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  const HttpResult result = runner.Send(To("door.example", *server));
  EXPECT_EQ(result.error, TransportError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("PROTOCOL"));
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(BeastTransportTls, PlainHttpOnTheOtherSideIsATlsError) {
  LoopbackServerOptions options;
  options.on_connect = [] { return ServerScript().Send("HTTP/1.1 400 Bad\r\n\r\n"); };
  LoopbackServer server([](const ServerRequest&) { return ServerScript(); }, options);
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  EXPECT_EQ(runner.Send(To("door.example", server)).error, TransportError::kTls);
}

TEST_F(BeastTransportTls, ASilentHandshakeEndsAtTheDeadline) {
  LoopbackServerOptions options;
  options.on_connect = [] { return ServerScript().SayNothing(); };
  LoopbackServer server([](const ServerRequest&) { return ServerScript(); }, options);
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  HttpRequest request = To("door.example", server);
  request.timeout = absl::Milliseconds(300);
  const HttpResult result = runner.Send(request);
  EXPECT_EQ(result.error, TransportError::kTimeout);
  EXPECT_THAT(result.detail, HasSubstr("TLS with 127.0.0.1:"));
}

TEST_F(BeastTransportTls, WithoutATrustStoreNothingIsTrusted) {
  const auto server = Serve(authority_.Issue("DNS:door.example"));
  BeastTransportOptions options = Trusting("");
  options.trust_store_path = "/does/not/exist.pem";
  TransportRunner runner(options);
  const HttpResult result = runner.Send(To("door.example", *server));
  EXPECT_EQ(result.error, TransportError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("trust store /does/not/exist.pem cannot be read"));
  EXPECT_EQ(server->accepted_connections(), 0);
}

TEST_F(BeastTransportTls, LargeAndClosedAndReset) {
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  const auto large = Serve(authority_.Issue("DNS:door.example"));
  const std::string body(4 << 20, 'b');
  EXPECT_EQ(runner.Send(TransportRunner::Post(To("door.example", *large).url, body)).http_status,
            200);
  EXPECT_TRUE(large->requests()[0].body == body);

  const auto until_close =
      Serve(authority_.Issue("DNS:door.example"), false,
            ServerScript().Send("HTTP/1.1 200 OK\r\n\r\nuntil the end").Close());
  EXPECT_EQ(runner.Send(To("door.example", *until_close)).body, "until the end");

  const auto reset = Serve(authority_.Issue("DNS:door.example"), false, ServerScript().Reset());
  EXPECT_EQ(runner.Send(To("door.example", *reset)).error, TransportError::kConnectionClosed);
}

TEST_F(BeastTransportTls, AnAnswerBeforeTheBodyIsReadCounts) {
  LoopbackServerOptions options;
  options.certificate = authority_.Issue("DNS:door.example");
  options.answer_at_head = true;
  LoopbackServer server([](const ServerRequest&) { return ServerScript::Answer(413).SayNothing(); },
                        options);
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  HttpRequest request = To("door.example", server);
  request.body.assign(16 << 20, 'x');
  const HttpResult result = runner.Send(request);
  EXPECT_EQ(result.http_status, 413) << result.detail;
}

TEST_F(BeastTransportTls, ManyAtOnce) {
  const auto server = Serve(authority_.Issue("DNS:door.example"));
  TransportRunner runner(Trusting(authority_.certificate_pem()));
  std::vector<std::future<HttpResult>> results;
  for (int i = 0; i < 300; ++i) results.push_back(runner.Start(To("door.example", *server)));
  for (auto& result : results) EXPECT_EQ(result.get().http_status, 200);
}

}  // namespace
}  // namespace latchwire
