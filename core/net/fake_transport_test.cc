#include "core/net/testing/fake_transport.h"

#include <gtest/gtest.h>

#include "core/base/testing/simulated_world.h"

namespace latchwire {
namespace {

class FakeTransportTest : public ::testing::Test {
 protected:
  void Send(const std::string& url, absl::Duration timeout = absl::Seconds(15)) {
    HttpRequest request;
    request.method = "POST";
    request.url = url;
    request.timeout = timeout;
    request.response_body_limit = 4;
    transport_.Send(std::move(request), [this](HttpResult result) { results_.push_back(result); });
  }

  SimulatedClock clock_{absl::FromUnixSeconds(0)};
  SimulatedExecutor executor_{&clock_};
  FakeTransport transport_{&executor_};
  std::vector<HttpResult> results_;
};

TEST_F(FakeTransportTest, AnswersLaterAndNeverInsideSend) {
  Send("http://a.example/");
  EXPECT_TRUE(results_.empty());
  EXPECT_EQ(transport_.in_flight(), 1);
  executor_.RunUntilIdle();
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0].http_status, 200);
  EXPECT_EQ(transport_.in_flight(), 0);
}

TEST_F(FakeTransportTest, QueuedRepliesFirstThenTheHandler) {
  transport_.SetHandler([](const HttpRequest& request) {
    return FakeTransport::Status(request.url == "http://b/" ? 500 : 204);
  });
  transport_.QueueReply(FakeTransport::Status(429, absl::Seconds(1), "slow down", "30"));
  Send("http://a/");
  Send("http://b/");
  Send("http://c/");
  executor_.RunUntilIdle();
  ASSERT_EQ(results_.size(), 3u);
  EXPECT_EQ(results_[0].http_status, 500);
  EXPECT_EQ(results_[1].http_status, 204);
  EXPECT_EQ(results_[2].http_status, 429);
  EXPECT_EQ(results_[2].retry_after, "30");
  EXPECT_EQ(results_[2].body, "slow");
  EXPECT_TRUE(results_[2].body_truncated);
  EXPECT_EQ(results_[2].duration, absl::Seconds(1));
  EXPECT_EQ(transport_.requests().size(), 3u);
}

TEST_F(FakeTransportTest, SilenceEndsAtTheTimeout) {
  transport_.QueueReply(FakeTransport::Never());
  Send("http://a/", absl::Seconds(3));
  executor_.RunFor(absl::Seconds(2));
  EXPECT_TRUE(results_.empty());
  executor_.RunFor(absl::Seconds(1));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_[0].error, TransportError::kTimeout);
}

TEST(TransportErrorName, EveryErrorHasItsOwn) {
  EXPECT_EQ(TransportErrorName(TransportError::kBlockedAddress), "BLOCKED_ADDRESS");
  EXPECT_EQ(TransportErrorName(TransportError::kShutdown), "SHUTDOWN");
}

}  // namespace
}  // namespace latchwire
