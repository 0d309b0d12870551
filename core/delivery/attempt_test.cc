#include "core/delivery/attempt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "core/domain/limits.h"

namespace latchwire {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Webhook TestWebhook() {
  Webhook webhook;
  webhook.id = "0190163d-8694-739b-aea5-966c26f8ad91";
  webhook.url = "https://receiver.test/hook?x=1";
  webhook.secrets = {{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}};
  webhook.timeout = absl::Seconds(7);
  webhook.retry_policy.delays = {absl::Seconds(10), absl::Minutes(10)};
  return webhook;
}

Event TestEvent() {
  Event event;
  event.id = "event-1";
  event.type = "door.opened";
  event.data = "{\"n\": 1.00}";
  return event;
}

HttpResult Answer(int http_status) {
  HttpResult result;
  result.http_status = http_status;
  result.duration = absl::Milliseconds(12);
  return result;
}

TEST(BuildRequestTest, CarriesTheFormatsRequestAndTheWebhooksLimits) {
  const Webhook webhook = TestWebhook();
  const HttpRequest request = BuildRequest(TestEvent(), webhook, {kNow, 2});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, webhook.url);
  EXPECT_THAT(request.body, ::testing::HasSubstr("{\"n\": 1.00}"));
  ASSERT_NE(FindHeader(request.headers, "webhook-signature"), nullptr);
  EXPECT_EQ(request.timeout, absl::Seconds(7));
  EXPECT_EQ(request.response_body_limit, kKeptResponseBytes);
  EXPECT_EQ(request.tls, nullptr);
}

TEST(BuildRequestTest, SharesTheWebhooksTlsProfile) {
  Webhook webhook = TestWebhook();
  webhook.tls = std::make_shared<const TlsProfile>(TlsProfile{"ca", "certificate", "key"});
  const HttpRequest request = BuildRequest(TestEvent(), webhook, {kNow, 1});
  EXPECT_EQ(request.tls, webhook.tls);
}

TEST(WasAttemptedTest, OnlyTheTransportsOwnRefusalsAreNoAttempts) {
  HttpResult result;
  for (const TransportError error : {TransportError::kOverloaded, TransportError::kShutdown}) {
    result.error = error;
    EXPECT_FALSE(WasAttempted(result)) << TransportErrorName(error);
  }
  for (const TransportError error :
       {TransportError::kNone, TransportError::kBlockedAddress, TransportError::kResolve,
        TransportError::kTimeout, TransportError::kConnectionClosed}) {
    result.error = error;
    EXPECT_TRUE(WasAttempted(result)) << TransportErrorName(error);
  }
}

TEST(MakeAttemptTest, AnAnswerHasItsStatusAndNoError) {
  HttpResult result = Answer(503);
  result.body = std::string(kKeptResponseBytes + 1, 'x');
  const Attempt attempt = MakeAttempt(3, kNow, std::move(result));
  EXPECT_EQ(attempt.number, 3);
  EXPECT_EQ(attempt.start_time, kNow);
  EXPECT_EQ(attempt.duration, absl::Milliseconds(12));
  EXPECT_EQ(attempt.http_status, 503);
  EXPECT_EQ(attempt.error, "");
  EXPECT_EQ(attempt.response_body.size(), kKeptResponseBytes);
}

TEST(MakeAttemptTest, WithoutAnAnswerItHasTheErrorAndItsDetail) {
  HttpResult result;
  result.error = TransportError::kTimeout;
  result.http_status = 200;  // whatever the transport leaves there
  result.detail = "no answer within 7 s";
  const Attempt attempt = MakeAttempt(1, kNow, std::move(result));
  EXPECT_EQ(attempt.http_status, 0);
  EXPECT_EQ(attempt.error, "TIMEOUT");
  EXPECT_EQ(attempt.error_detail, "no answer within 7 s");
}

class ApplyAttemptTest : public ::testing::Test {
 protected:
  ApplyAttemptTest() { delivery_.create_time = delivery_.due_time = kNow; }

  Outcome Apply(int http_status, const Webhook* webhook, absl::string_view retry_after = "") {
    const Attempt attempt = MakeAttempt(delivery_.attempt_count + 1, kNow, Answer(http_status));
    return ApplyAttempt(attempt, retry_after, webhook, 0.5, kNow, delivery_);
  }

  const Webhook webhook_ = TestWebhook();
  Delivery delivery_;
};

TEST_F(ApplyAttemptTest, SuccessEndsTheDelivery) {
  EXPECT_EQ(Apply(204, &webhook_).state, DeliveryState::kSucceeded);
  EXPECT_EQ(delivery_.state, DeliveryState::kSucceeded);
  EXPECT_EQ(delivery_.attempt_count, 1);
  EXPECT_EQ(delivery_.failure_count, 0);
  EXPECT_EQ(delivery_.last_http_status, 204);
}

TEST_F(ApplyAttemptTest, FailuresAreRetriedUntilThePolicyIsExhausted) {
  Apply(500, &webhook_);
  EXPECT_EQ(delivery_.state, DeliveryState::kPending);
  EXPECT_EQ(delivery_.due_time, kNow + absl::Seconds(10));
  EXPECT_EQ(delivery_.failure_count, 1);
  Apply(500, &webhook_);
  EXPECT_EQ(delivery_.due_time, kNow + absl::Minutes(10));
  Apply(502, &webhook_);
  EXPECT_EQ(delivery_.state, DeliveryState::kDead);
  EXPECT_EQ(delivery_.attempt_count, 3);
  EXPECT_EQ(delivery_.last_http_status, 502);
}

TEST_F(ApplyAttemptTest, RetryAfterLengthensTheWait) {
  Apply(429, &webhook_, "60");
  EXPECT_EQ(delivery_.due_time, kNow + absl::Minutes(1));
}

TEST_F(ApplyAttemptTest, GoneSuspendsAndKeepsTheDelivery) {
  EXPECT_TRUE(Apply(410, &webhook_).suspend_webhook);
  EXPECT_EQ(delivery_.state, DeliveryState::kPending);
}

TEST_F(ApplyAttemptTest, OfADeletedWebhookNothingIsRetried) {
  Apply(500, nullptr);
  EXPECT_EQ(delivery_.state, DeliveryState::kDead);
}

}  // namespace
}  // namespace latchwire
