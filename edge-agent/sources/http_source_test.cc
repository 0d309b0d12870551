// The whole way of a device's request, over real loopback sockets.
#include "edge-agent/sources/http_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/net/testing/http_client.h"

namespace latchwire::edge {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class CountingSink : public EventSink {
 public:
  void Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) override {
    {
      MutexLock lock(&mutex_);
      count_ += events.size();
    }
    done(absl::OkStatus());
  }
  size_t count() {
    MutexLock lock(&mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

class HttpSourceTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.listen = "127.0.0.1:0";
    auto server = HttpServer::Listen(&executor_, options, &source_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    executor_.Start();
  }

  CountingSink sink_;
  IntakeRouter router_{{.json = {{"t", "", ""}}}, &sink_, SystemClock(), SystemRandom(), nullptr};
  HttpSource source_{&router_};
  AsioExecutor executor_{"intake"};
  std::unique_ptr<HttpServer> server_;
};

constexpr absl::string_view kPath = "POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\n";

TEST_F(HttpSourceTest, TakesEventsAndAnswersHealth) {
  Start();
  HttpClient client(server_->Port());
  client.Send(absl::StrCat(kPath, "Content-Length: 1\r\n\r\n1"));
  EXPECT_THAT(client.Receive(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"accepted\":[{"),
                                      HasSubstr("Content-Type: application/json\r\n")));
  client.Send(
      "POST /in/json?type=a HTTP/1.1\r\nAuthorization: Bearer t\r\nContent-Length: 1\r\n\r\n1");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  client.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("\"status\":\"ok\""));
  EXPECT_EQ(sink_.count(), 2u);
}

TEST_F(HttpSourceTest, RefusalsOfTheServerAreWordedLikeThoseOfTheRouter) {
  Start();
  HttpClient announced(server_->Port());
  announced.Send(absl::StrCat(kPath, "Content-Length: 1048577\r\n\r\n"));
  EXPECT_THAT(announced.Receive(),
              AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("\"reason\":\"REQUEST_TOO_LARGE\""),
                    HasSubstr("\"limit_bytes\":\"1048576\"")));
  HttpClient garbage(server_->Port());
  garbage.Send("\x16\x03\x01\x02 hello\r\n\r\n");
  EXPECT_THAT(garbage.Receive(),
              AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("\"reason\":\"HTTP_INVALID\"")));
  HttpClient long_head(server_->Port());
  long_head.Send("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(long_head.Receive(),
              AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("the head is longer than 16384 bytes")));
  HttpClient wrong(server_->Port());
  wrong.Send("DELETE /in/json HTTP/1.1\r\n\r\n");
  EXPECT_THAT(wrong.Receive(), AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: POST\r\n")));
  EXPECT_EQ(sink_.count(), 0u);
}

TEST_F(HttpSourceTest, OneMoreConnectionThanAllowedIsToldWhenToTryAgain) {
  HttpServerOptions options;
  options.max_connections = 1;
  Start(options);
  HttpClient one(server_->Port());
  one.Send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(one.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpClient(server_->Port()).Receive(),
              AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 5\r\n"),
                    HasSubstr("\"reason\":\"OVERLOADED\"")));
}

}  // namespace
}  // namespace latchwire::edge
