// The server over real loopback sockets.
#include "core/net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <new>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/net/testing/http_client.h"
#include "core/net/testing/test_certificates.h"
#include "core/net/testing/transport_runner.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr uint64_t kMaxBody = 1024 * 1024;

// Takes POST /echo and GET /page; holds what it is given while told to.
class TestHandler : public HttpHandler {
 public:
  HeadVerdict CheckHead(const IncomingRequest& head) override {
    if (head.Path() == "/small") return HeadVerdict::Read(4);
    if (head.Path() == "/echo" || head.Path() == "/page" || head.Path() == "/throw") {
      return HeadVerdict::Read(kMaxBody);
    }
    return HeadVerdict::Refuse(PlainResponse(404));
  }
  void Handle(IncomingRequest request, Done done) override {
    if (request.Path() == "/throw") throw std::bad_alloc();
    {
      MutexLock lock(&mutex_);
      requests_.push_back(request);
      if (hold_) {
        held_.push_back(std::move(done));
        changed_.NotifyAll();
        return;
      }
    }
    done({200, "text/x", {{"X-Path", std::string(request.Path())}}, request.body});
  }

  void Hold() {
    MutexLock lock(&mutex_);
    hold_ = true;
  }
  void WaitForOne() {
    MutexLock lock(&mutex_);
    while (held_.empty()) changed_.Wait(&mutex_);
  }
  std::vector<Done> TakeHeld() {
    MutexLock lock(&mutex_);
    return std::exchange(held_, {});
  }
  void Release() {
    for (Done& done : TakeHeld()) done({});
  }
  std::vector<IncomingRequest> requests() {
    MutexLock lock(&mutex_);
    return requests_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool hold_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<IncomingRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<Done> held_ ABSL_GUARDED_BY(mutex_);
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.listen = *ParseIpListenAddress("127.0.0.1:0");
    auto server = HttpServer::Listen(&executor_, options, &handler_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    executor_.Start();
  }

  TestHandler handler_;
  AsioExecutor executor_{"server"};
  std::unique_ptr<HttpServer> server_;
};

// On the server's thread; read once the server is gone.
struct KeptLog : LogSink {
  void Write(LogLevel, absl::string_view message, absl::Span<const LogField> fields) override {
    lines.push_back(std::string(message));
    for (const LogField& field : fields) {
      const auto* text = std::get_if<absl::string_view>(&field.value.get());
      if (text != nullptr) absl::StrAppend(&lines.back(), " ", field.key, "=", *text);
    }
  }
  std::vector<std::string> lines;
};

std::string Request(absl::string_view body, absl::string_view headers = "") {
  return absl::StrCat("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n",
                      headers, "\r\n", body);
}

TEST_F(HttpServerTest, ManyRequestsOnOneConnectionAlsoPipelined) {
  Start();
  HttpClient client(server_->Port());
  client.Send(Request("1") + Request("{}") + "GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.Receive(), HasSubstr("X-Path: /page\r\n"));
  client.Send(Request("3", "Connection: close\r\n"));
  EXPECT_THAT(client.Receive(), HasSubstr("Connection: close"));
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(handler_.requests().size(), 4u);
}

TEST_F(HttpServerTest, TooLongABodyIsAnsweredBeforeItIsTaken) {
  Start();
  HttpClient announced(server_->Port());
  announced.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_THAT(announced.Receive(), StartsWith("HTTP/1.1 413"));
  HttpClient chunked(server_->Port());
  chunked.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    chunked.Send(absl::StrCat("10000\r\n", std::string(65'536, '1'), "\r\n"));
  }
  const std::string answer = chunked.Receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(handler_.requests().size(), 0u);
}

TEST_F(HttpServerTest, ABodyMayBeChunkedAndWaitForContinue) {
  Start();
  HttpClient client(server_->Port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 100"));
  client.Send("1\r\n[\r\n1\r\n]\r\n0\r\n\r\n");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, WhatIsNoHttpIsRefused) {
  Start();
  HttpClient garbage(server_->Port());
  garbage.Send("\x16\x03\x01\x02 hello\r\n\r\n");
  EXPECT_THAT(garbage.Receive(), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(garbage.Closed());
  HttpClient long_head(server_->Port());
  long_head.Send("GET /page HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(long_head.Receive(), StartsWith("HTTP/1.1 431"));
}

TEST_F(HttpServerTest, ARefusedHeadDoesNotLetItsBodyPassForARequest) {
  Start();
  HttpClient client(server_->Port());
  const std::string smuggled = Request("1");
  client.Send(absl::StrCat("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ", smuggled.size(),
                           "\r\n\r\n", smuggled));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 404"));
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(handler_.requests().size(), 0u);
}

TEST_F(HttpServerTest, OneMoreConnectionThanAllowedIsTurnedAway) {
  HttpServerOptions options;
  options.max_connections = 2;
  Start(options);
  HttpClient one(server_->Port()), two(server_->Port());
  for (HttpClient* client : {&one, &two}) {  // so that both are taken in
    client->Send(Request("1"));
    EXPECT_THAT(client->Receive(), StartsWith("HTTP/1.1 200"));
  }
  HttpClient three(server_->Port());
  const std::string answer = three.Receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_TRUE(three.Closed());
  one.Send(Request("1"));
  EXPECT_THAT(one.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AClientThatSaysNothingIsClosed) {
  HttpServerOptions options;
  options.head_timeout = options.body_timeout = absl::Milliseconds(50);
  Start(options);
  HttpClient silent(server_->Port());
  EXPECT_TRUE(silent.Closed());
  HttpClient half(server_->Port());
  half.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n[");
  EXPECT_TRUE(half.Closed());
  EXPECT_EQ(handler_.requests().size(), 0u);
}

TEST_F(HttpServerTest, StopAnswersWhatIsUnderWayAndTakesNothingNew) {
  Start();
  HttpClient idle(server_->Port());
  idle.Send("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.Receive();
  handler_.Hold();
  HttpClient busy(server_->Port());
  busy.Send(Request("1"));
  handler_.WaitForOne();
  std::promise<void> stopped;
  server_->Stop([&] { stopped.set_value(); });
  EXPECT_TRUE(idle.Closed());
  EXPECT_FALSE(HttpClient(server_->Port()).connected());
  handler_.Release();
  const std::string answer = busy.Receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  stopped.get_future().wait();
}

TEST_F(HttpServerTest, StopWithNothingInFlightIsDoneAtOnce) {
  Start();
  std::promise<void> stopped;
  server_->Stop([&] { stopped.set_value(); });
  stopped.get_future().wait();
  EXPECT_FALSE(HttpClient(server_->Port()).connected());
}

TEST_F(HttpServerTest, GoesWithItsConnectionsAndLateAnswersAreDropped) {
  Start();
  handler_.Hold();
  HttpClient busy(server_->Port()), silent(server_->Port());
  busy.Send(Request("1"));
  handler_.WaitForOne();
  server_.reset();
  EXPECT_TRUE(busy.Closed());
  EXPECT_TRUE(silent.Closed());
  handler_.Release();
}

TEST_F(HttpServerTest, GoesAfterItsExecutorHasStopped) {
  Start();
  handler_.Hold();
  HttpClient busy(server_->Port());
  busy.Send(Request("1"));
  handler_.WaitForOne();
  executor_.Stop();
  handler_.Release();
  server_.reset();
}

TEST_F(HttpServerTest, ACallbackThatIsDroppedIsAnsweredForIt) {
  Start();
  handler_.Hold();
  HttpClient client(server_->Port());
  client.Send(Request("1"));
  handler_.WaitForOne();
  handler_.TakeHeld().clear();
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 500"));
}

TEST_F(HttpServerTest, AnExceptionEndsOneConnectionOnly) {
  KeptLog log;
  LogSink* const before = SetLogSink(&log, LogLevel::kWarning);
  Start();
  HttpClient other(server_->Port()), broken(server_->Port());
  broken.Send("GET /throw HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(broken.Closed());
  other.Send(Request("1"));
  EXPECT_THAT(other.Receive(), StartsWith("HTTP/1.1 200"));
  server_.reset();
  SetLogSink(before, LogLevel::kWarning);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("bad_alloc")));
}

TEST_F(HttpServerTest, TheHandlerSeesTheRequestAsSent) {
  Start();
  HttpClient client(server_->Port());
  client.Send(
      "POST /echo?a=%20b HTTP/1.1\r\nHost: x\r\nx-ONE: 1\r\nX-Two:  2 \r\nx-one: 3\r\n"
      "Content-Length: 1\r\n\r\n1");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  const IncomingRequest request = handler_.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/echo?a=%20b");
  EXPECT_EQ(request.Path(), "/echo");
  EXPECT_EQ(request.Query(), "a=%20b");
  EXPECT_EQ(request.peer, "127.0.0.1");
  EXPECT_EQ(request.Header("X-One"), "1");
  EXPECT_THAT(request.headers, ElementsAre(HttpHeader{"Host", "x"}, HttpHeader{"x-ONE", "1"},
                                           HttpHeader{"x-one", "3"}, HttpHeader{"X-Two", "2"},
                                           HttpHeader{"Content-Length", "1"}));
}

TEST_F(HttpServerTest, EachPathHasItsOwnLimitForBodies) {
  Start();
  HttpClient client(server_->Port());
  client.Send("POST /small HTTP/1.1\r\nContent-Length: 4\r\n\r\n1234");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  client.Send("POST /small HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 413"));
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpServerTest, AnswersAreToldWithoutTheQuery) {
  std::vector<std::string> lines;
  HttpServerOptions options;
  options.access = [&](const HttpAccess& access) {
    lines.push_back(
        absl::StrCat(access.peer, " ", access.method, " ", access.path, " ", access.status));
  };
  Start(options);
  HttpClient client(server_->Port());
  client.Send("GET /page?token=secret HTTP/1.1\r\n\r\n");
  client.Receive();
  client.Send("PUT /none?token=secret HTTP/1.1\r\n\r\n");
  client.Receive();
  server_.reset();
  EXPECT_THAT(lines, ElementsAre("127.0.0.1 GET /page 200", "127.0.0.1 PUT /none 404"));
}

TEST_F(HttpServerTest, SeveralServersShareAnExecutor) {
  Start();
  TestHandler other_handler;
  HttpServerOptions options;
  options.listen = *ParseIpListenAddress("[::1]:0");
  auto other = HttpServer::Listen(&executor_, options, &other_handler);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ((*other)->Address(), absl::StrCat("[::1]:", (*other)->Port()));
  HttpClient client(server_->Port());
  client.Send(Request("1"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(other_handler.requests().empty());
  other->reset();
  client.Send(Request("1"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ErrorsOfListen) {
  const auto listen = [&](const std::string& address, TlsProfile tls = {}) {
    HttpServerOptions options;
    options.listen = *ParseListenAddress(address);
    options.tls = std::move(tls);
    return HttpServer::Listen(&executor_, options, &handler_);
  };
  const auto name = listen("a.example:1");
  EXPECT_EQ(name.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(name.status().message()), HasSubstr("must be an IP address"));
  const auto first = listen("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(listen((*first)->Address()).status().code(), absl::StatusCode::kUnavailable);
  TestAuthority authority;
  EXPECT_THAT(
      std::string(listen("127.0.0.1:0", {authority.certificate_pem(), "", ""}).status().message()),
      StartsWith("certificate_pem is missing"));
  TestCertificate certificate = authority.Issue("IP:127.0.0.1");
  EXPECT_EQ(listen("127.0.0.1:0", {"", certificate.certificate_pem,
                                   authority.Issue("IP:127.0.0.1").private_key_pem})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

class HttpServerTlsTest : public HttpServerTest {
 protected:
  void StartTls(const std::string& client_ca_pem = "", HttpServerOptions options = {}) {
    const TestCertificate own = authority_.Issue("IP:127.0.0.1");
    options.tls = {client_ca_pem, own.certificate_pem, own.private_key_pem};
    Start(options);
  }
  HttpRequest Post(std::string body) {
    return TransportRunner::Post(absl::StrCat("https://", server_->Address(), "/echo"),
                                 std::move(body));
  }
  BeastTransportOptions Trusting() {
    BeastTransportOptions options = TransportRunner::LoopbackOptions();
    options.extra_trusted_pem = authority_.certificate_pem();
    return options;
  }

  TestAuthority authority_;
};

TEST_F(HttpServerTlsTest, ServesKeptAliveConnectionsAndLongBodies) {
  StartTls();
  TransportRunner runner(Trusting());
  const HttpResult first = runner.Send(Post("one"));
  EXPECT_EQ(first.http_status, 200) << first.detail;
  EXPECT_EQ(first.body, "one");
  HttpRequest large = Post(std::string(kMaxBody, 'x'));
  large.response_body_limit = kMaxBody;
  const HttpResult second = runner.Send(large);
  EXPECT_EQ(second.body.size(), kMaxBody);
  EXPECT_TRUE(second.reused_connection);
}

TEST_F(HttpServerTlsTest, ARefusalReachesAClientThatIsStillSending) {
  StartTls();
  TransportRunner runner(Trusting());
  EXPECT_EQ(runner.Send(Post(std::string(kMaxBody + 1, 'x'))).http_status, 413);
}

TEST_F(HttpServerTlsTest, PlainTextAndSilenceAreClosed) {
  HttpServerOptions options;
  options.head_timeout = absl::Milliseconds(50);
  StartTls("", options);
  HttpClient plain(server_->Port()), silent(server_->Port());
  plain.Send(Request("1"));
  EXPECT_THAT(plain.Receive(), Not(HasSubstr("HTTP/1.1 200")));
  EXPECT_TRUE(silent.Closed());
  EXPECT_TRUE(handler_.requests().empty());
}

TEST_F(HttpServerTlsTest, ClientsMustShowACertificateWhereAskedTo) {
  TestAuthority clients("clients"), strangers("strangers");
  StartTls(clients.certificate_pem());
  TransportRunner runner(Trusting());
  const auto send = [&](const TestCertificate* certificate) {
    HttpRequest request = Post("1");
    if (certificate != nullptr) {
      request.tls = std::make_shared<TlsProfile>(
          TlsProfile{"", certificate->certificate_pem, certificate->private_key_pem});
    }
    return runner.Send(request).http_status;
  };
  const TestCertificate known = clients.Issue("DNS:client"), other = strangers.Issue("DNS:client");
  EXPECT_EQ(send(&known), 200);
  EXPECT_EQ(send(&other), 0);
  EXPECT_EQ(send(nullptr), 0);
  EXPECT_EQ(handler_.requests().size(), 1u);
}

TEST_F(HttpServerTlsTest, StopAnswersWhatIsInFlight) {
  StartTls();
  handler_.Hold();
  TransportRunner runner(Trusting());
  std::future<HttpResult> result = runner.Start(Post("1"));
  handler_.WaitForOne();
  std::promise<void> stopped;
  server_->Stop([&] { stopped.set_value(); });
  handler_.Release();
  EXPECT_EQ(result.get().http_status, 200);
  stopped.get_future().wait();
}

}  // namespace
}  // namespace latchwire
