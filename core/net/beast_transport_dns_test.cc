// Names: caching, rebinding, silent name servers, several addresses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "core/net/beast_transport.h"
#include "core/net/testing/loopback_dns_server.h"
#include "core/net/testing/loopback_server.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

LoopbackServer::Handler Always(ServerScript script) {
  return [script](const ServerRequest&) { return script; };
}

DnsReply At(std::vector<std::string> addresses, int ttl_seconds = 60) {
  DnsReply reply;
  reply.addresses = std::move(addresses);
  reply.ttl_seconds = ttl_seconds;
  return reply;
}

// Every request opens a connection of its own, so each of them needs an address.
BeastTransportOptions Options(const LoopbackDnsServer& dns) {
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.dns_servers = dns.address();
  options.max_connection_age = absl::ZeroDuration();
  return options;
}

HttpRequest To(const std::string& name, int port) {
  return TransportRunner::Post(absl::StrCat("http://", name, ":", port, "/"));
}

TEST(BeastTransportDns, AnswersAreUsedAsLongAsTheyLive) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  LoopbackDnsServer dns(
      [](const std::string& name) { return At({"127.0.0.1"}, name == "long.example" ? 60 : 0); });
  BeastTransportOptions options = Options(dns);
  options.dns_min_ttl = absl::ZeroDuration();
  TransportRunner runner(options);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(runner.Send(To("Long.Example", server.port())).http_status, 200);
    EXPECT_EQ(runner.Send(To("short.example", server.port())).http_status, 200);
  }
  EXPECT_EQ(dns.questions("long.example"), 1);
  EXPECT_EQ(dns.questions("short.example"), 3);
  EXPECT_EQ(server.accepted_connections(), 6);
  EXPECT_EQ(server.requests()[0].Header("Host"), absl::StrCat("long.example:", server.port()));
}

TEST(BeastTransportDns, TtlsAreKeptWithinTheBounds) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  LoopbackDnsServer dns(
      [](const std::string& name) { return At({"127.0.0.1"}, name == "day.example" ? 86400 : 0); });
  BeastTransportOptions options = Options(dns);
  options.dns_min_ttl = absl::Hours(1);
  options.dns_max_ttl = absl::Hours(1);
  TransportRunner runner(options);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(runner.Send(To("zero.example", server.port())).http_status, 200);
  }
  EXPECT_EQ(dns.questions("zero.example"), 1);

  BeastTransportOptions brief = Options(dns);
  brief.dns_min_ttl = brief.dns_max_ttl = absl::ZeroDuration();
  TransportRunner other(brief);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(other.Send(To("day.example", server.port())).http_status, 200);
  }
  EXPECT_EQ(dns.questions("day.example"), 2);
}

TEST(BeastTransportDns, TheCacheIsBounded) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  LoopbackDnsServer dns([](const std::string&) { return At({"127.0.0.1"}); });
  BeastTransportOptions options = Options(dns);
  options.dns_max_cached_names = 2;
  TransportRunner runner(options);
  for (const char* name : {"a.example", "b.example", "a.example", "c.example", "a.example"}) {
    EXPECT_EQ(runner.Send(To(name, server.port())).http_status, 200);
  }
  EXPECT_EQ(dns.questions("a.example"), 1);  // b was used least recently when c came
  EXPECT_EQ(runner.Send(To("b.example", server.port())).http_status, 200);
  EXPECT_EQ(dns.questions("b.example"), 2);
}

TEST(BeastTransportDns, NamesThatDoNotExistAreRememberedToo) {
  LoopbackDnsServer dns([](const std::string& name) {
    DnsReply reply;
    reply.exists = name == "empty.example";
    return reply;
  });
  BeastTransportOptions options = Options(dns);
  options.dns_negative_ttl = absl::Hours(1);
  TransportRunner runner(options);
  for (const char* name : {"nobody.example", "nobody.example", "empty.example"}) {
    const HttpResult result = runner.Send(To(name, 80));
    EXPECT_EQ(result.error, TransportError::kResolve);
    EXPECT_EQ(result.detail, absl::StrCat("the name ", name, " does not exist or has no address"));
  }
  EXPECT_EQ(dns.questions("nobody.example"), 1);
}

TEST(BeastTransportDns, AFailureIsNotRemembered) {
  std::atomic<bool> broken{true};
  LoopbackServer server(Always(ServerScript::Answer(200)));
  LoopbackDnsServer dns([&](const std::string&) {
    DnsReply reply = At({"127.0.0.1"});
    reply.server_failure = broken;
    return reply;
  });
  TransportRunner runner(Options(dns));
  const HttpResult failed = runner.Send(To("a.example", server.port()));
  EXPECT_EQ(failed.error, TransportError::kResolve);
  EXPECT_THAT(failed.detail, HasSubstr("cannot resolve a.example: "));
  broken = false;
  EXPECT_EQ(runner.Send(To("a.example", server.port())).http_status, 200);
}

TEST(BeastTransportDns, RebindingIsJudgedOnEveryConnection) {
  std::atomic<int> asked{0};
  LoopbackDnsServer dns(
      [&](const std::string&) { return At({++asked == 1 ? "127.0.0.1" : "127.0.0.2"}, 0); });
  LoopbackServer outside(Always(ServerScript::Answer(200)));
  LoopbackServerOptions at_inside;
  at_inside.address = "127.0.0.2";
  at_inside.port = outside.port();
  LoopbackServer inside(Always(ServerScript::Answer(200)), at_inside);
  BeastTransportOptions options = Options(dns);
  options.allow_networks = ParseIpNetworks("127.0.0.1").value();  // stands for a public address
  options.dns_min_ttl = absl::ZeroDuration();
  TransportRunner runner(options);

  EXPECT_EQ(runner.Send(To("rebind.example", outside.port())).http_status, 200);
  const HttpResult result = runner.Send(To("rebind.example", outside.port()));
  EXPECT_EQ(result.error, TransportError::kBlockedAddress);
  EXPECT_THAT(result.detail, HasSubstr("rebind.example: address 127.0.0.2 is in 127.0.0.0/8"));
  EXPECT_EQ(inside.accepted_connections(), 0);
}

TEST(BeastTransportDns, OnlyAllowedAddressesOfAnAnswerAreUsed) {
  LoopbackDnsServer dns([](const std::string&) {
    return At({"127.0.0.2", "127.0.0.1", "10.0.0.1"});
  });
  LoopbackServer outside(Always(ServerScript::Answer(200)));
  LoopbackServerOptions at_inside;
  at_inside.address = "127.0.0.2";
  at_inside.port = outside.port();
  LoopbackServer inside(Always(ServerScript::Answer(200)), at_inside);
  BeastTransportOptions options = Options(dns);
  options.allow_networks = ParseIpNetworks("127.0.0.1").value();
  TransportRunner runner(options);
  EXPECT_EQ(runner.Send(To("mixed.example", outside.port())).http_status, 200);
  EXPECT_EQ(inside.accepted_connections(), 0);
}

TEST(BeastTransportDns, TheNextAddressIsTriedWhenOneRefuses) {
  LoopbackDnsServer dns([](const std::string& name) {
    return name == "down.example" ? At({"127.0.0.3", "127.0.0.4"})
                                  : At({"127.0.0.3", "127.0.0.4", "127.0.0.1"});
  });
  LoopbackServer server(Always(ServerScript::Answer(200)));
  TransportRunner runner(Options(dns));
  EXPECT_EQ(runner.Send(To("many.example", server.port())).remote_address,
            absl::StrCat("127.0.0.1:", server.port()));
  const HttpResult down = runner.Send(To("down.example", server.port()));
  EXPECT_EQ(down.error, TransportError::kConnect);
  EXPECT_THAT(down.detail, HasSubstr("127.0.0.3:"));
  EXPECT_THAT(down.detail, HasSubstr("127.0.0.4:"));
}

TEST(BeastTransportDns, ASilentNameServerDelaysOnlyItsOwnNames) {
  LoopbackDnsServer dns([](const std::string& name) {
    DnsReply reply = At({"127.0.0.1"}, 0);
    reply.silent = name == "silent.example";
    return reply;
  });
  LoopbackServer server(Always(ServerScript::Answer(200)));
  BeastTransportOptions options = Options(dns);
  options.dns_min_ttl = absl::ZeroDuration();
  TransportRunner runner(options);
  std::vector<std::future<HttpResult>> stuck;
  for (int i = 0; i < 50; ++i) stuck.push_back(runner.Start(To("silent.example", server.port())));
  dns.WaitForQuestions("silent.example", 1);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(runner.Send(To("fast.example", server.port())).http_status, 200);
  }
  runner.DestroyTransport();
  for (auto& result : stuck) EXPECT_EQ(result.get().error, TransportError::kShutdown);
}

TEST(BeastTransportDns, SilenceEndsAtTheResolversDeadlineOrTheRequests) {
  LoopbackDnsServer dns([](const std::string&) {
    DnsReply reply;
    reply.silent = true;
    return reply;
  });
  BeastTransportOptions options = Options(dns);
  options.dns_timeout = absl::Milliseconds(100);
  TransportRunner runner(options);
  HttpResult result = runner.Send(To("silent.example", 80));
  EXPECT_EQ(result.error, TransportError::kResolve);
  EXPECT_EQ(result.detail, "no answer from the name servers for silent.example within 100ms");

  HttpRequest hurried = To("other.example", 80);
  hurried.timeout = absl::Milliseconds(20);
  result = runner.Send(hurried);
  EXPECT_EQ(result.error, TransportError::kTimeout);
  EXPECT_EQ(result.detail, "other.example was not resolved within 20ms");
}

TEST(BeastTransportDns, RequestsForOneNameShareOneLookUp) {
  LoopbackDnsServer dns([](const std::string&) {
    DnsReply reply;
    reply.silent = true;
    return reply;
  });
  BeastTransportOptions options = Options(dns);
  options.dns_timeout = absl::Milliseconds(200);
  options.dns_try_timeout = absl::Minutes(1);  // so that no question is a second try
  TransportRunner runner(options);
  std::vector<std::future<HttpResult>> results;
  for (int i = 0; i < 50; ++i) results.push_back(runner.Start(To("same.example", 80)));
  for (auto& result : results) EXPECT_EQ(result.get().error, TransportError::kResolve);
  EXPECT_EQ(dns.questions("same.example"), 1);
}

TEST(BeastTransportDns, LocalhostIsThisMachineAndAskedOfNobody) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  LoopbackDnsServer dns([](const std::string&) { return At({"10.0.0.1"}); });
  BeastTransportOptions options = Options(dns);
  options.allow_networks = ParseIpNetworks("127.0.0.0/8,::1").value();
  TransportRunner runner(options);
  options.allow_networks.clear();
  TransportRunner refusing(options);
  for (const char* name : {"localhost", "LocalHost.", "door.localhost"}) {
    EXPECT_EQ(runner.Send(To(name, server.port())).http_status, 200) << name;
    const HttpResult refused = refusing.Send(To(name, server.port()));
    EXPECT_EQ(refused.error, TransportError::kBlockedAddress) << name;
    EXPECT_THAT(refused.detail, HasSubstr("(loopback)"));
  }
  EXPECT_EQ(dns.questions("localhost") + dns.questions("door.localhost"), 0);
  EXPECT_EQ(runner.Send(To("notlocalhost", server.port())).error, TransportError::kBlockedAddress);
  EXPECT_EQ(dns.questions("notlocalhost"), 1);
}

TEST(BeastTransportDns, AServerListThatIsNoneIsAnError) {
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.dns_servers = "not a server";
  TransportRunner runner(options);
  const HttpResult result = runner.Send(To("a.example", 80));
  EXPECT_EQ(result.error, TransportError::kResolve);
  EXPECT_THAT(result.detail, HasSubstr("the resolver could not be set up"));
}

}  // namespace
}  // namespace latchwire
