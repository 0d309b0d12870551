// Many requests at once: pools, queues, fairness, shutdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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

TEST(BeastTransportPool, WaitingRequestsGoOutInOrder) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_connections_per_host = 1;
  TransportRunner runner(options);
  std::vector<std::future<HttpResult>> results;
  for (int i = 0; i < 100; ++i) {
    results.push_back(runner.Start(TransportRunner::Post(server.Url(absl::StrCat("/", i)))));
  }
  for (auto& result : results) EXPECT_EQ(result.get().http_status, 200);
  EXPECT_EQ(server.accepted_connections(), 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(server.requests()[i].target, absl::StrCat("/", i));
}

TEST(BeastTransportPool, AFullQueueRefuses) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_connections_per_host = 2;
  options.max_waiting_per_host = 1;
  TransportRunner runner(options);
  std::vector<std::future<HttpResult>> stuck;
  for (int i = 0; i < 3; ++i) stuck.push_back(runner.Start(TransportRunner::Post(server.Url())));
  const HttpResult refused = runner.Send(TransportRunner::Post(server.Url()));
  EXPECT_EQ(refused.error, TransportError::kOverloaded);
  EXPECT_THAT(refused.detail, HasSubstr("1 requests wait for http://127.0.0.1:"));
  server.WaitForRequests(2);
  EXPECT_EQ(server.requests().size(), 2u);
  runner.DestroyTransport();
  for (auto& result : stuck) EXPECT_EQ(result.get().error, TransportError::kShutdown);
}

TEST(BeastTransportPool, AWaitingRequestHasItsDeadline) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_connections_per_host = 1;
  TransportRunner runner(options);
  auto first = runner.Start(TransportRunner::Post(server.Url()));
  const HttpResult late =
      runner.Send(WithTimeout(TransportRunner::Post(server.Url()), absl::Milliseconds(50)));
  EXPECT_EQ(late.error, TransportError::kTimeout);
  EXPECT_THAT(late.detail, HasSubstr("became free within 50ms"));
  runner.DestroyTransport();
  EXPECT_EQ(first.get().error, TransportError::kShutdown);
}

TEST(BeastTransportPool, NoQueueMeansConnectionsOnly) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_waiting_per_host = 0;
  TransportRunner runner(options);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 200);
}

TEST(BeastTransportPool, ASilentReceiverDelaysNobodyElse) {
  LoopbackServer silent(Always(ServerScript().SayNothing()));
  LoopbackServer healthy(Always(ServerScript::Answer(200)));
  TransportRunner runner;
  std::vector<std::future<HttpResult>> stuck;
  for (int i = 0; i < 200; ++i) {
    stuck.push_back(runner.Start(TransportRunner::Post(silent.Url())));
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(runner.Send(TransportRunner::Post(healthy.Url())).http_status, 200);
  }
  silent.WaitForRequests(64);
  EXPECT_EQ(silent.accepted_connections(), 64);
  runner.DestroyTransport();
  for (auto& result : stuck) EXPECT_EQ(result.get().error, TransportError::kShutdown);
}

TEST(BeastTransportPool, HostsShareTheTotalByTurns) {
  LoopbackServer a(Always(ServerScript::Answer(200)));
  LoopbackServer b(Always(ServerScript::Answer(201)));
  LoopbackServer c(Always(ServerScript::Answer(202).Close()));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_connections = 1;
  TransportRunner runner(options);
  std::vector<std::future<HttpResult>> results;
  for (int i = 0; i < 60; ++i) {
    const LoopbackServer& server = i % 3 == 0 ? a : i % 3 == 1 ? b : c;
    results.push_back(runner.Start(TransportRunner::Post(server.Url())));
  }
  for (int i = 0; i < 60; ++i) EXPECT_EQ(results[i].get().http_status, 200 + i % 3);
}

TEST(BeastTransportPool, TooManyRequestsAreRefused) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_requests = 1;
  TransportRunner runner(options);
  auto first = runner.Start(TransportRunner::Post(server.Url()));
  const HttpResult refused = runner.Send(TransportRunner::Post(server.Url()));
  EXPECT_EQ(refused.error, TransportError::kOverloaded);
  EXPECT_THAT(refused.detail, HasSubstr("more than 1 requests"));
}

TEST(BeastTransportPool, ManyThreadsManyHosts) {
  std::vector<std::unique_ptr<LoopbackServer>> servers;
  for (int i = 0; i < 3; ++i) {
    servers.push_back(std::make_unique<LoopbackServer>([](const ServerRequest& request) {
      ServerScript script = ServerScript::Answer(200, request.body);
      if (request.body.size() % 7 == 0) script.Close();
      return script;
    }));
  }
  BeastTransportOptions options = TransportRunner::LoopbackOptions();
  options.max_connections = 20;
  TransportRunner runner(options);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<std::pair<std::string, std::future<HttpResult>>> results;
      for (int i = 0; i < 250; ++i) {
        std::string body(static_cast<size_t>(i), static_cast<char>('a' + thread));
        results.emplace_back(body,
                             runner.Start(TransportRunner::Post(servers[i % 3]->Url(), body)));
      }
      for (auto& [body, result] : results) {
        const HttpResult got = result.get();
        if (got.http_status == 200 && got.body == body) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 1000);
}

TEST(BeastTransportShutdown, FromInsideATask) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  TransportRunner runner;
  auto result = runner.Start(TransportRunner::Post(server.Url()));
  server.WaitForRequests(1);
  runner.executor().Post([&] { runner.DestroyTransport(); });
  EXPECT_EQ(result.get().error, TransportError::kShutdown);
}

TEST(BeastTransportShutdown, AfterTheExecutorHasStopped) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  TransportRunner runner;
  auto result = runner.Start(TransportRunner::Post(server.Url()));
  server.WaitForRequests(1);
  runner.executor().Stop();
  runner.DestroyTransport();
  EXPECT_EQ(result.get().error, TransportError::kShutdown);
}

TEST(BeastTransportShutdown, WhatComesLaterIsAnsweredToo) {
  LoopbackServer server(Always(ServerScript().SayNothing()));
  TransportRunner runner;
  std::promise<TransportError> second;
  Transport* const transport = &runner.transport();  // alive until its destructor returns
  transport->Send(TransportRunner::Post(server.Url()), [&](HttpResult) {
    transport->Send(TransportRunner::Post(server.Url()),
                    [&](HttpResult late) { second.set_value(late.error); });
  });
  server.WaitForRequests(1);
  runner.DestroyTransport();
  EXPECT_EQ(second.get_future().get(), TransportError::kShutdown);
}

}  // namespace
}  // namespace latchwire
