// What goes over the wire, and what receivers may answer.
#include "core/net/beast_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "core/net/testing/loopback_server.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

LoopbackServer::Handler Always(ServerScript script) {
  return [script](const ServerRequest&) { return script; };
}

TEST(BeastTransport, SendsExactlyWhatItIsGiven) {
  LoopbackServer server(Always(ServerScript::Answer(200, "fine", {"Retry-After: 7"})));
  TransportRunner runner;
  HttpRequest request = TransportRunner::Post(server.Url("/a/../b/%2e%2E//?q=%zz&{\"#fragment"),
                                              std::string("\x00\x01 body\r\n", 9));
  request.headers = {{"X-UPPER-lower", " two  spaces "},
                     {"x-empty", ""},
                     {"Host", "evil"},
                     {"content-length", "3"},
                     {"Connection", "close"},
                     {"Transfer-Encoding", "chunked"}};
  const HttpResult result = runner.Send(request);

  EXPECT_EQ(result.error, TransportError::kNone) << result.detail;
  EXPECT_EQ(result.http_status, 200);
  EXPECT_EQ(result.body, "fine");
  EXPECT_FALSE(result.body_truncated);
  EXPECT_EQ(result.retry_after, "7");
  EXPECT_EQ(result.remote_address, absl::StrCat("127.0.0.1:", server.port()));
  EXPECT_FALSE(result.reused_connection);
  EXPECT_EQ(result.detail, "");
  const ServerRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/a/../b/%2e%2E//?q=%zz&{\"");
  EXPECT_THAT(seen.header_lines,
              ElementsAre(absl::StrCat("Host: 127.0.0.1:", server.port()),
                          "X-UPPER-lower:  two  spaces ", "x-empty: ", "Content-Length: 9"));
  EXPECT_EQ(seen.body, request.body);
}

TEST(BeastTransport, ContentLengthFollowsTheMethod) {
  LoopbackServer server(Always(ServerScript::Answer(204)));
  TransportRunner runner;
  for (const auto& [method, length] : {std::pair<const char*, const char*>{"GET", ""},
                                       {"DELETE", ""},
                                       {"POST", "0"},
                                       {"PUT", "0"},
                                       {"PATCH", "0"}}) {
    HttpRequest request = TransportRunner::Post(server.Url(), "");
    request.method = method;
    EXPECT_EQ(runner.Send(request).http_status, 204);
    EXPECT_EQ(server.requests().back().method, method);
    EXPECT_EQ(server.requests().back().Header("Content-Length"), length) << method;
  }
}

TEST(BeastTransport, LargeBodiesArriveWhole) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  TransportRunner runner;
  std::string body(8 << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>(i / 1000);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url(), body)).http_status, 200);
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url(), "small")).http_status, 200);
  EXPECT_TRUE(server.requests().at(0).body == body);
  EXPECT_EQ(server.requests().at(1).body, "small");
}

TEST(BeastTransport, KeepsConnectionsAlive) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  TransportRunner runner;
  EXPECT_FALSE(runner.Send(TransportRunner::Post(server.Url("/1"))).reused_connection);
  EXPECT_TRUE(runner.Send(TransportRunner::Post(server.Url("/2"))).reused_connection);
  EXPECT_TRUE(runner.Send(TransportRunner::Post(server.Url("/3"))).reused_connection);
  EXPECT_EQ(server.accepted_connections(), 1);
}

TEST(BeastTransport, RedirectsAreNotFollowed) {
  LoopbackServer server(Always(ServerScript::Answer(302, "", {"Location: /login"})));
  TransportRunner runner;
  EXPECT_EQ(runner.Send(TransportRunner::Post(server.Url())).http_status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

struct AnswerCase {
  const char* name;
  std::string bytes;
  int status;
  std::string body;
  bool reusable;
};

class BeastTransportAnswer : public ::testing::TestWithParam<AnswerCase> {};

TEST_P(BeastTransportAnswer, IsUnderstood) {
  const AnswerCase& expected = GetParam();
  ServerScript script = ServerScript().Send(expected.bytes);
  if (!expected.reusable) script.Close();
  LoopbackServer server(Always(script));
  TransportRunner runner;
  for (int round = 0; round < 2; ++round) {
    const HttpResult result = runner.Send(TransportRunner::Post(server.Url()));
    EXPECT_EQ(result.error, TransportError::kNone) << result.detail;
    EXPECT_EQ(result.http_status, expected.status);
    EXPECT_EQ(result.body, expected.body);
    EXPECT_FALSE(result.body_truncated);
    if (!expected.reusable) server.WaitForClosedConnections(round + 1);
  }
  EXPECT_EQ(server.accepted_connections(), expected.reusable ? 1 : 2);
}

INSTANTIATE_TEST_SUITE_P(
    All, BeastTransportAnswer,
    ::testing::Values(
        AnswerCase{"Chunked",
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n "
                   "world\r\n0\r\nTrailer: t\r\n\r\n",
                   200, "hello world", true},
        AnswerCase{"NoContent", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
        AnswerCase{"NotModified", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", 304, "", true},
        AnswerCase{"NoReason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, "", true},
        AnswerCase{"UntilClose", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it", false},
        AnswerCase{"Http10", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
        AnswerCase{"ConnectionClose",
                   "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", 500, "no",
                   false},
        AnswerCase{"Interim",
                   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\n"
                   "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n!",
                   201, "!", true},
        AnswerCase{"GarbageBehind",
                   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Smuggled\r\n\r\n",
                   200, "ok", false}),
    [](const auto& test) { return test.param.name; });

TEST(BeastTransport, AnswersInPiecesOfOneByte) {
  const std::string answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nRetry-After: 12\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  ServerScript script;
  for (const char c : answer) script.Send(std::string(1, c));
  LoopbackServer server(Always(script));
  TransportRunner runner;
  for (int i = 0; i < 2; ++i) {
    const HttpResult result = runner.Send(TransportRunner::Post(server.Url()));
    EXPECT_EQ(result.http_status, 202) << result.detail;
    EXPECT_EQ(result.retry_after, "12");
    EXPECT_EQ(result.body, "abc");
  }
  EXPECT_EQ(server.accepted_connections(), 1);
}

TEST(BeastTransport, HeadHasNoBody) {
  LoopbackServer server(
      Always(ServerScript().Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")));
  TransportRunner runner;
  HttpRequest request = TransportRunner::Post(server.Url(), "");
  request.method = "HEAD";
  EXPECT_EQ(runner.Send(request).http_status, 200);
  EXPECT_TRUE(runner.Send(request).reused_connection);
}

TEST(BeastTransport, AnAnswerBeforeTheBodyIsReadCounts) {
  LoopbackServerOptions options;
  options.answer_at_head = true;
  LoopbackServer server(Always(ServerScript::Answer(413).SayNothing()), options);
  TransportRunner runner;
  const HttpResult result =
      runner.Send(TransportRunner::Post(server.Url(), std::string(64 << 20, 'x')));
  EXPECT_EQ(result.error, TransportError::kNone) << result.detail;
  EXPECT_EQ(result.http_status, 413);
}

struct BrokenCase {
  const char* name;
  ServerScript script;
  TransportError error;
  const char* detail;
};

class BeastTransportBroken : public ::testing::TestWithParam<BrokenCase> {};

TEST_P(BeastTransportBroken, IsAnError) {
  LoopbackServer server(Always(GetParam().script));
  TransportRunner runner;
  const HttpResult result = runner.Send(TransportRunner::Post(server.Url()));
  EXPECT_EQ(TransportErrorName(result.error), TransportErrorName(GetParam().error));
  EXPECT_THAT(result.detail, HasSubstr(GetParam().detail));
  EXPECT_EQ(result.http_status, 0);
  EXPECT_EQ(server.requests().size(), 1u) << "sent again";
}

std::string ManyLines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += "X-Padding: 0123456789012345678901234567890123456789\r\n";
  return lines;
}

INSTANTIATE_TEST_SUITE_P(
    All, BeastTransportBroken,
    ::testing::Values(
        BrokenCase{"Close", ServerScript().Close(), TransportError::kConnectionClosed,
                   "without an answer"},
        BrokenCase{"Reset", ServerScript().Reset(), TransportError::kConnectionClosed,
                   "without an answer"},
        BrokenCase{"CloseInHead", ServerScript().Send("HTTP/1.1 200 OK\r\nX: ").Close(),
                   TransportError::kConnectionClosed, "within its answer"},
        BrokenCase{"Garbage", ServerScript().Send("SSH-2.0-OpenSSH_9.2\r\n"),
                   TransportError::kInvalidResponse, "not HTTP/1.1"},
        BrokenCase{"BadStatus", ServerScript().Send("HTTP/1.1 999 ?\r\n\r\n"),
                   TransportError::kInvalidResponse, "not HTTP/1.1"},
        BrokenCase{"LongHead", ServerScript().Send("HTTP/1.1 200 OK\r\n" + ManyLines(1000)),
                   TransportError::kInvalidResponse, "limit"},
        BrokenCase{"EndlessLine", ServerScript().SendForEver(std::string(1000, 'x')),
                   TransportError::kInvalidResponse, "not HTTP/1.1"},
        BrokenCase{"EndlessHeader",
                   ServerScript().Send("HTTP/1.1 200 OK\r\nX: ").SendForEver(std::string(999, 'x')),
                   TransportError::kInvalidResponse, "limit"},
        BrokenCase{"EndlessInterim", ServerScript().SendForEver("HTTP/1.1 100 Continue\r\n\r\n"),
                   TransportError::kInvalidResponse, "too many interim responses"},
        BrokenCase{"Upgrade", ServerScript().Send("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
                   TransportError::kInvalidResponse, "protocol that was not requested"}),
    [](const auto& test) { return test.param.name; });

TEST(BeastTransport, ABodyCutShortIsMarkedAndItsStatusCounts) {
  LoopbackServer server(
      Always(ServerScript().Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").Close()));
  TransportRunner runner;
  const HttpResult result = runner.Send(TransportRunner::Post(server.Url()));
  EXPECT_EQ(result.error, TransportError::kNone);
  EXPECT_EQ(result.http_status, 200);
  EXPECT_EQ(result.body, "half");
  EXPECT_TRUE(result.body_truncated);
}

TEST(BeastTransport, RequestsThatHttpCannotCarryAreRefused) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  TransportRunner runner;
  HttpRequest request = TransportRunner::Post(server.Url());
  request.headers = {{"X-A", "b\r\nX-Injected: c"}};
  HttpResult result = runner.Send(request);
  EXPECT_EQ(result.error, TransportError::kInvalidUrl);
  EXPECT_THAT(result.detail, HasSubstr("header X-A holds control characters"));

  request.headers = {{"X A", "b"}};
  EXPECT_THAT(runner.Send(request).detail, HasSubstr("header name \"X A\""));
  request.headers.clear();
  request.method = "GET / HTTP/1.1\r\n";
  EXPECT_THAT(runner.Send(request).detail, StartsWith("method \"GET"));
  request.method = "GET";
  request.url = "ftp://127.0.0.1/";
  result = runner.Send(request);
  EXPECT_EQ(result.error, TransportError::kInvalidUrl);
  EXPECT_THAT(result.detail, HasSubstr("http:// or https://"));
  EXPECT_EQ(server.accepted_connections(), 0);
}

TEST(BeastTransport, DoneIsCalledLaterOnTheExecutor) {
  LoopbackServer server(Always(ServerScript::Answer(200)));
  TransportRunner runner;
  std::promise<void> finished;
  std::atomic<int> calls{0};
  runner.executor().Post([&] {
    for (const std::string& url : {server.Url(), std::string("bad"), std::string("http://10.1/")}) {
      runner.transport().Send(TransportRunner::Post(url), [&](HttpResult) {
        EXPECT_TRUE(runner.executor().IsLoopThread());
        if (++calls == 3) finished.set_value();
      });
      EXPECT_EQ(calls, 0);
    }
  });
  finished.get_future().wait();
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace latchwire
