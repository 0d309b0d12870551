// The server over real loopback sockets.
#include "edge-agent/sources/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "edge-agent/sources/testing/http_client.h"

namespace latchwire::edge {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Holds what it is given until told to answer.
class HoldingSink : public EventSink {
 public:
  void Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) override {
    {
      MutexLock lock(&mutex_);
      count_ += events.size();
      if (hold_) {
        held_.push_back(std::move(done));
        changed_.NotifyAll();
        return;
      }
    }
    done(absl::OkStatus());
  }
  void Hold() {
    MutexLock lock(&mutex_);
    hold_ = true;
  }
  void WaitForOne() {
    MutexLock lock(&mutex_);
    while (held_.empty()) changed_.Wait(&mutex_);
  }
  void Release() {
    std::vector<absl::AnyInvocable<void(absl::Status)>> held;
    {
      MutexLock lock(&mutex_);
      held = std::move(held_);
      held_.clear();
    }
    for (auto& done : held) done(absl::OkStatus());
  }
  size_t count() {
    MutexLock lock(&mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool hold_ ABSL_GUARDED_BY(mutex_) = false;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<absl::AnyInvocable<void(absl::Status)>> held_ ABSL_GUARDED_BY(mutex_);
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.port = 0;
    auto server = HttpServer::Listen(options, &router_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    thread_ = std::thread([this] { server_->Run(); });
  }
  void Stop() {
    server_->Stop();
    thread_.join();
  }
  void TearDown() override {
    sink_.Release();
    if (thread_.joinable()) Stop();
  }

  HoldingSink sink_;
  IntakeRouter router_{{.json = {{"t", "", ""}}}, &sink_, SystemClock(), SystemRandom(), nullptr};
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

std::string Request(absl::string_view body, absl::string_view headers = "") {
  return absl::StrCat("POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\nContent-Length: ",
                      body.size(), "\r\n", headers, "\r\n", body);
}

TEST_F(HttpServerTest, ManyRequestsOnOneConnectionAlsoPipelined) {
  Start();
  HttpClient client(server_->Port());
  client.Send(Request("1") + Request("{}") + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.Receive(), HasSubstr("\"status\":\"ok\""));
  client.Send(Request("3", "Connection: close\r\n"));
  EXPECT_THAT(client.Receive(), HasSubstr("Connection: close"));
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(sink_.count(), 3u);
}

TEST_F(HttpServerTest, TooLongABodyIsAnsweredBeforeItIsTaken) {
  Start();
  HttpClient announced(server_->Port());
  announced.Send(
      "POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_THAT(announced.Receive(), StartsWith("HTTP/1.1 413"));
  HttpClient chunked(server_->Port());
  chunked.Send(
      "POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    chunked.Send(absl::StrCat("10000\r\n", std::string(65'536, '1'), "\r\n"));
  }
  const std::string answer = chunked.Receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, HasSubstr("1048576"));
  EXPECT_EQ(sink_.count(), 0u);
}

TEST_F(HttpServerTest, ABodyMayBeChunkedAndWaitForContinue) {
  Start();
  HttpClient client(server_->Port());
  client.Send(
      "POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
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
  long_head.Send("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(long_head.Receive(), StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpServerTest, ARefusedHeadDoesNotLetItsBodyPassForARequest) {
  Start();
  HttpClient client(server_->Port());
  const std::string smuggled = Request("1");
  client.Send(absl::StrCat("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ", smuggled.size(),
                           "\r\n\r\n", smuggled));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 404"));
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(sink_.count(), 0u);
}

TEST_F(HttpServerTest, OneMoreConnectionThanAllowedIsTurnedAway) {
  Start({.max_connections = 2});
  HttpClient one(server_->Port()), two(server_->Port());
  for (HttpClient* client : {&one, &two}) {  // so that both are taken in
    client->Send(Request("1"));
    EXPECT_THAT(client->Receive(), StartsWith("HTTP/1.1 200"));
  }
  HttpClient three(server_->Port());
  const std::string answer = three.Receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After"));
  one.Send(Request("1"));
  EXPECT_THAT(one.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AClientThatSaysNothingIsClosed) {
  Start({.timeout_ms = 50});
  HttpClient silent(server_->Port());
  EXPECT_TRUE(silent.Closed());
  HttpClient half(server_->Port());
  half.Send("POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n[");
  EXPECT_TRUE(half.Closed());
  EXPECT_EQ(sink_.count(), 0u);
}

TEST_F(HttpServerTest, StopAnswersWhatIsUnderWayAndTakesNothingNew) {
  Start();
  sink_.Hold();
  HttpClient idle(server_->Port());
  idle.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.Receive();
  HttpClient busy(server_->Port());
  busy.Send(Request("1"));
  sink_.WaitForOne();
  server_->Stop();
  EXPECT_TRUE(idle.Closed());
  EXPECT_FALSE(HttpClient(server_->Port()).connected());
  sink_.Release();
  const std::string answer = busy.Receive();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  thread_.join();
}

TEST_F(HttpServerTest, APortInUseIsAnError) {
  Start();
  HttpServerOptions options;
  options.port = server_->Port();
  EXPECT_EQ(HttpServer::Listen(options, &router_).status().code(), absl::StatusCode::kUnavailable);
  options.address = "localhost";
  EXPECT_EQ(HttpServer::Listen(options, &router_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace latchwire::edge
