// Bounds on time and bytes, addresses that are refused, and the reuse of connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/net/beast_transport.h"
#include "core/net/testing/loopback_server.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

LoopbackServer::Handler Always(ServerScript script) {
  return [script](const ServerRequest&) { return script; };
}

HttpRequest WithTimeout(HttpRequest request, absl::Duration timeout) {
  request.timeout = timeout;
  return request;
}

TEST(BeastTransportBody, PastTheKeptPartItIsReadAndTheConnectionStays) {
  LoopbackServer server(Always(ServerScript::Answer(200, std::string(500'000, 'x'))));
  TransportRunner runner;
  for (int i = 0; i < 2; ++i) {
    HttpRequest request = TransportRunner::Post(server.Url());
    request.response_body_limit = 10;
    const HttpResult result = runner.Send(request);
    EXPECT_EQ(result.http_status, 200);
    EXPECT_EQ(result.body, "xxxxxxxxxx");
    EXPECT_TRUE(result.body_truncated);
  }
  EXPECT_EQ(server.accepted_connections(), 1);
}

TEST(BeastTransportBody, EndlessBodiesEndAtTheCap) {
  for (const char* framing :
       {"", "Transfer-Encoding: chunked\r\n", "Content-Length: 99999999999\r\n"}) {
    const std::string chunk(1000, 'x');
    const bool chunked = absl::StrContains(framing, "chunked");
    LoopbackServer server(
        Always(ServerScript()
                   .Send(absl::StrCat("HTTP/1.1 200 OK\r\n", framing, "\r\n"))
                   .SendForEver(chunked ? absl::StrCat("3e8\r\n", chunk, "\r\n") : chunk)));
    TransportRunner runner;
    const HttpResult result = runner.Send(TransportRunner::Post(server.Url()));
    EXPECT_EQ(result.error, TransportError::kNone) << result.detail;
    EXPECT_EQ(result.http_status, 200) << framing;
    EXPECT_EQ(result.body, std::string(4096, 'x')) << framing;
    EXPECT_TRUE(result.body_truncated);
    server.WaitForClosedConnections(1);
  }
}

TEST(BeastTransportTime, SilenceEndsAtTheDeadline) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  TransportRunner runner;
  const HttpResult result =
      runner.Send(WithTimeout(TransportRunner::Post(server.Url()), absl::Milliseconds(300)));
  EXPECT_EQ(result.error, TransportError::kTimeout);
  EXPECT_THAT(result.detail, HasSubstr("no answer from 127.0.0.1:"));
  EXPECT_THAT(result.detail, HasSubstr("within 300ms"));
  EXPECT_GE(result.duration, absl::Milliseconds(300));
  EXPECT_EQ(result.remote_address, absl::StrCat("127.0.0.1:", server.port()));
  server.WaitForClosedConnections(1);
}

TEST(BeastTransportTime, ADrippedHeadEndsAtTheSameDeadline) {
  LoopbackServer server(Always(
      ServerScript().Send("HTTP/1.1 200 OK\r\nX: ").SendForEver("x", absl::Milliseconds(5))));
  TransportRunner runner;
  const HttpResult result =
      runner.Send(WithTimeout(TransportRunner::Post(server.Url()), absl::Milliseconds(500)));
  EXPECT_EQ(result.error, TransportError::kTimeout);
  EXPECT_THAT(result.detail, HasSubstr("no complete answer"));
  server.WaitForClosedConnections(1);
}

TEST(BeastTransportTime, ADrippedBodyEndsThereTooAndItsStatusCounts) {
  LoopbackServer server(Always(ServerScript()
                                   .Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                                   .SendForEver("x", absl::Milliseconds(5))));
  TransportRunner runner;
  const HttpResult result =
      runner.Send(WithTimeout(TransportRunner::Post(server.Url()), absl::Milliseconds(500)));
  EXPECT_EQ(result.error, TransportError::kNone);
  EXPECT_EQ(result.http_status, 200);
  EXPECT_TRUE(result.body_truncated);
  server.WaitForClosedConnections(1);
}

TEST(BeastTransportTime, ADeadlineThatIsOverIsATimeout) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  TransportRunner runner;
  for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(1)}) {
    EXPECT_EQ(runner.Send(WithTimeout(TransportRunner::Post(server.Url()), timeout)).error,
              TransportError::kTimeout);
  }
}

TEST(BeastTransportTime, NoDeadlineIsFine) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  TransportRunner runner;
  EXPECT_EQ(runner.Send(WithTimeout(TransportRunner::Post(server.Url()), absl::InfiniteDuration()))
                .http_status,
            200);
}

TEST(BeastTransportConnect, RefusedIsAnErrorThatNamesTheAddress) {
  int port = 0;
  {
    LoopbackServer gone(Always(ServerScript::Answer(200)));
    port = gone.port();
  }
  TransportRunner runner;
  const HttpResult result =
      runner.Send(TransportRunner::Post(absl::StrCat("http://127.0.0.1:", port, "/")));
  EXPECT_EQ(result.error, TransportError::kConnect);
  EXPECT_EQ(result.detail, absl::StrCat("127.0.0.1:", port, ": Connection refused"));
  EXPECT_EQ(result.remote_address, "");
}

TEST(BeastTransportConnect, BlockedAddressesAreNeverTouched) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.allow_networks.clear();
  TransportRunner runner(options);
  for (const char* host :
       {"127.0.0.1", "127.0.0.1.", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001",
        "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "a.localhost."}) {
    const HttpResult result =
        runner.Send(TransportRunner::Post(absl::StrCat("http://", host, ":", server.port(), "/")));
    EXPECT_EQ(result.error, TransportError::kBlockedAddress) << host << ": " << result.detail;
    EXPECT_THAT(result.detail, HasSubstr("(loopback)"));
    EXPECT_THAT(result.detail, HasSubstr("--allow_networks"));
  }
  EXPECT_EQ(server.accepted_connections(), 0);
}

TEST(BeastTransportConnect, ProxiesOfTheEnvironmentAreNotUsed) {
  LoopbackServer proxy(Always(ServerScript::Answer(502)));
  LoopbackServer server(Always(ServerScript::Answer(200)));
  const char* const names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                               "HTTPS_PROXY", "all_proxy",  "ALL_PROXY"};
  for (const char* name : names) setenv(name, proxy.Url().c_str(), 1);
  {
    TransportRunner runner;
    EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 200);
  }
  for (const char* name : names) unsetenv(name);
  EXPECT_EQ(proxy.accepted_connections(), 0);
}

TEST(BeastTransportConnect, Ipv6) {
  LoopbackServerOptions at;
  at.address = "::1";
  std::unique_ptr<LoopbackServer> server;
  try {
    server = std::make_unique<LoopbackServer>(Always(ServerScript::Answer(200)), at);
  } catch (const std::exception& error) {
    GTEST_SKIP() << "this machine has no IPv6: " << error.what();
  }
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  TransportRunner refusing(options);
  EXPECT_EQ(refusing.Send(TransportRunner::Post(server->Url())).error,
            TransportError::kBlockedAddress);
  options.allow_networks = ParseIpNetworks("::1").value();
  TransportRunner runner(options);
  const HttpResult result = runner.Send(TransportRunner::Post(server->Url()));
  EXPECT_EQ(result.http_status, 200) << result.detail;
  EXPECT_EQ(result.remote_address, absl::StrCat("[::1]:", server->port()));
  EXPECT_EQ(server->requests()[0].Header("Host"), absl::StrCat("[::1]:", server->port()));
}

TEST(BeastTransportReuse, AnIdleConnectionThatWasClosedIsNotUsed) {
  LoopbackServer server(Always(ServerScript::Answer(200).Close()));
  TransportRunner runner;
  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 200);
  }
  EXPECT_EQ(server.requests().size(), 20u);
}

TEST(BeastTransportReuse, ClosedWithoutAnAnswerIsSentAgainOnceOnANewConnection) {
  LoopbackServer server([](const ServerRequest& request) {
    return request.connection == 1 && request.target == "/second" ? ServerScript().Reset()
                                                                  : ServerScript::Answer(200);
  });
  TransportRunner runner;
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url("/first"))).http_status, 200);
  const HttpResult result = runner.Send(TransportRunner::Post(server.Url("/second"), "body"));
  EXPECT_EQ(result.error, TransportError::kNone) << result.detail;
  EXPECT_EQ(result.http_status, 200);
  EXPECT_FALSE(result.reused_connection);
  ASSERT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(server.requests()[2].connection, 2);
  EXPECT_EQ(server.requests()[2].body, "body");
}

TEST(BeastTransportReuse, ButOnlyOnce) {
  LoopbackServer server([](const ServerRequest& request) {
    return request.target == "/second" ? ServerScript().Close() : ServerScript::Answer(200);
  });
  TransportRunner runner;
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url("/first"))).http_status, 200);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url("/second"))).error,
            TransportError::kConnectionClosed);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(BeastTransportReuse, AndNeverAfterAByteOfAnAnswer) {
  LoopbackServer server([](const ServerRequest& request) {
    return request.target == "/second" ? ServerScript().Send("H").Close()
                                       : ServerScript::Answer(200);
  });
  TransportRunner runner;
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url("/first"))).http_status, 200);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url("/second"))).error,
            TransportError::kConnectionClosed);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(BeastTransportReuse, IdleConnectionsAreClosedInTime) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.idle_timeout = absl::Milliseconds(20);
  TransportRunner runner(options);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 200);
  server.WaitForClosedConnections(1);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 200);
}

TEST(BeastTransportReuse, OldConnectionsAreNotKept) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_connection_age = absl::ZeroDuration();
  TransportRunner runner(options);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(runner.Send(TransportRunner::Post(server.Url())).reused_connection);
    server.WaitForClosedConnections(i);
  }
}

}  // namespace
}  // namespace latchwire
