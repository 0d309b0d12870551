// The whole way of a device's request, over real loopback sockets.
#include "edge-agent/sources/http_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

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
    options.listen = *ParseIpListenAddress("127.0.0.1:0");
    auto source = HttpSource::Listen(options, intake_.get(), &refusals_,
                                     {{"/healthz", [] {
                                         return HttpResponse{200, "application/json", {}, "{}"};
                                       }}});
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
    source_->Start();
  }
  // Whatever the server still says of a refusal, it has been noted.
  uint64_t Refused(absl::string_view reason) const {
    for (const RefusalCount& count : refusals_.Counts()) {
      if (count.reason == reason) return count.count;
    }
    return 0;
  }

  CountingSink sink_;
  const std::unique_ptr<Intake> intake_ =
      *Intake::Make({{"json", {{{"token", "t"}}}}}, &sink_, SystemClock(), SystemRandom());
  RefusalLog refusals_{SystemClock()};
  std::unique_ptr<HttpSource> source_;
};

constexpr absl::string_view kPath = "POST /in/json?token=t&type=a HTTP/1.1\r\nHost: x\r\n";

TEST_F(HttpSourceTest, TakesEventsAndAnswersHealth) {
  Start();
  HttpClient client(source_->Port());
  client.Send(absl::StrCat(kPath, "Content-Length: 1\r\n\r\n1"));
  EXPECT_THAT(client.Receive(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"accepted\":[{"),
                                      HasSubstr("Content-Type: application/json\r\n")));
  client.Send(
      "POST /in/json?type=a HTTP/1.1\r\nAuthorization: Bearer t\r\nContent-Length: 1\r\n\r\n1");
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
  client.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("{}"));
  EXPECT_EQ(sink_.count(), 2u);
}

TEST_F(HttpSourceTest, RefusalsOfTheServerAreWordedLikeThoseOfTheRouter) {
  Start();
  HttpClient announced(source_->Port());
  announced.Send(absl::StrCat(kPath, "Content-Length: 1048577\r\n\r\n"));
  EXPECT_THAT(announced.Receive(),
              AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("\"reason\":\"REQUEST_TOO_LARGE\""),
                    HasSubstr("\"limit_bytes\":\"1048576\"")));
  HttpClient garbage(source_->Port());
  garbage.Send("\x16\x03\x01\x02 hello\r\n\r\n");
  EXPECT_THAT(garbage.Receive(),
              AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("\"reason\":\"HTTP_INVALID\"")));
  HttpClient long_head(source_->Port());
  long_head.Send("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(long_head.Receive(),
              AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("the head is longer than 16384 bytes")));
  HttpClient wrong(source_->Port());
  wrong.Send("DELETE /in/json HTTP/1.1\r\n\r\n");
  EXPECT_THAT(wrong.Receive(), AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: POST\r\n")));
  EXPECT_EQ(Refused("REQUEST_TOO_LARGE"), 2u);
  EXPECT_EQ(Refused("HTTP_INVALID"), 1u);
  EXPECT_EQ(Refused("METHOD_NOT_ALLOWED"), 1u);
  for (const Refusal& refusal : refusals_.Recent()) EXPECT_EQ(refusal.peer, "127.0.0.1");
  EXPECT_EQ(source_->Stats().refused_messages, 4u);
  EXPECT_EQ(sink_.count(), 0u);
}

TEST_F(HttpSourceTest, OneMoreConnectionThanAllowedIsToldWhenToTryAgain) {
  HttpServerOptions options;
  options.max_connections = 1;
  Start(options);
  HttpClient one(source_->Port());
  one.Send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(one.Receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpClient(source_->Port()).Receive(),
              AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 5\r\n"),
                    HasSubstr("\"reason\":\"OVERLOADED\"")));
}

// Answers nothing until it is let go.
class HoldingSink : public EventSink {
 public:
  void Accept(std::vector<Event>, absl::AnyInvocable<void(absl::Status)> done) override {
    MutexLock lock(&mutex_);
    held_ = std::move(done);
    changed_.NotifyAll();
  }
  absl::AnyInvocable<void(absl::Status)> Wait() {
    MutexLock lock(&mutex_);
    while (held_ == nullptr) changed_.Wait(&mutex_);
    return std::move(held_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  absl::AnyInvocable<void(absl::Status)> held_ ABSL_GUARDED_BY(mutex_);
};

TEST(HttpSourceStopTest, AnswersWhatIsInFlightAndTakesNothingNew) {
  HoldingSink sink;
  const auto intake =
      *Intake::Make({{"json", {{{"token", "t"}}}}}, &sink, SystemClock(), SystemRandom());
  RefusalLog refusals(SystemClock());
  HttpServerOptions options;
  options.listen = *ParseIpListenAddress("127.0.0.1:0");
  auto source = *HttpSource::Listen(options, intake.get(), &refusals, {});
  EXPECT_EQ(source->Address(), absl::StrCat("127.0.0.1:", source->Port()));
  source->Start();
  HttpClient busy(source->Port());
  busy.Send(absl::StrCat(kPath, "Content-Length: 1\r\n\r\n1"));
  auto done = sink.Wait();
  std::thread stopping([&] { source->Stop(); });
  done(absl::OkStatus());
  EXPECT_THAT(busy.Receive(), StartsWith("HTTP/1.1 200"));
  stopping.join();
  EXPECT_FALSE(HttpClient(source->Port()).connected());
  source->Stop();  // again
}

}  // namespace
}  // namespace latchwire::edge
