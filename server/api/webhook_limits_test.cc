// The limits, the guarantee, TLS and the status of webhooks, as clients see them.
#include <gmock/gmock.h>

#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/retry_policy_converter.h"
#include "server/api/testing/test_server.h"
#include "server/api/webhook_converter.h"
#include "server/api/webhook_limits_converter.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class WebhookLimitsTest : public ::testing::Test {
 protected:
  WebhookLimitsTest() : viewer_(server_.MakeKey(Role::kViewer)) {
    stub_ = server_.Stub<v1::WebhookService>();
  }
  static v1::Webhook Simple() {
    v1::Webhook webhook;
    webhook.set_url("https://hooks.example/x?token=hush");
    return webhook;
  }
  grpc::Status Create(const v1::Webhook& webhook, v1::Webhook* response) {
    KeyContext context(server_.admin());
    v1::CreateWebhookRequest request;
    *request.mutable_webhook() = webhook;
    return stub_->CreateWebhook(&context, request, response);
  }
  v1::Webhook Created(const v1::Webhook& webhook) {
    v1::Webhook response;
    const grpc::Status status = Create(webhook, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  std::vector<std::string> Refused(const v1::Webhook& webhook) {
    v1::Webhook response;
    return DetailsOf(Create(webhook, &response)).fields();
  }
  v1::Webhook Get(const std::string& token) {
    KeyContext context(token);
    v1::GetWebhookRequest request;
    request.set_name("webhooks/1");
    v1::Webhook response;
    EXPECT_TRUE(stub_->GetWebhook(&context, request, &response).ok());
    return response;
  }
  grpc::Status Update(v1::Webhook patch, const std::vector<std::string>& mask,
                      v1::Webhook* response) {
    KeyContext context(server_.admin());
    v1::UpdateWebhookRequest request;
    patch.set_name("webhooks/1");
    patch.clear_etag();
    *request.mutable_webhook() = std::move(patch);
    for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
    return stub_->UpdateWebhook(&context, request, response);
  }

  TestServer server_;
  const std::string viewer_;
  std::unique_ptr<v1::WebhookService::Stub> stub_;
};

TEST_F(WebhookLimitsTest, TheDefaultsAreShown) {
  const v1::Webhook webhook = Created(Simple());
  EXPECT_EQ(webhook.guarantee(), v1::Webhook::GUARANTEE_AT_LEAST_ONCE);
  EXPECT_FALSE(webhook.has_rate_limit());
  EXPECT_EQ(webhook.circuit_breaker().failure_threshold(), 20);
  EXPECT_EQ(webhook.circuit_breaker().open_time().seconds(), 5);
  EXPECT_EQ(webhook.circuit_breaker().max_open_time().seconds(), 300);
  EXPECT_EQ(webhook.auto_suspend().failure_count(), 20);
  EXPECT_EQ(webhook.auto_suspend().failure_span().seconds(), 5 * 86400);
  EXPECT_EQ(webhook.max_pending(), 0);
  EXPECT_EQ(webhook.overflow(), v1::Webhook::OVERFLOW_REJECT);
  EXPECT_FALSE(webhook.has_tls());
  EXPECT_EQ(webhook.status().breaker_state(), v1::CircuitBreaker::STATE_CLOSED);
  EXPECT_EQ(webhook.status().pending_count(), 0);
}

TEST_F(WebhookLimitsTest, AnOrderedWebhookRetriesForMinutes) {
  v1::Webhook webhook = Simple();
  webhook.set_ordering(v1::Webhook::ORDERING_BY_SUBJECT);
  const v1::Webhook created = Created(webhook);
  EXPECT_EQ(created.retry_policy().delays_size(), 7);
  EXPECT_EQ(created.retry_policy().delays(0).seconds(), 1);
  // A policy that is taken away gives way to the default of the ordering.
  v1::Webhook patch, updated;
  patch.mutable_retry_policy()->set_no_retries(true);
  ASSERT_TRUE(Update(patch, {"retry_policy"}, &updated).ok());
  EXPECT_TRUE(updated.retry_policy().no_retries());
  ASSERT_TRUE(Update(Simple(), {"*"}, &updated).ok());
  EXPECT_EQ(updated.retry_policy().delays_size(), 7);
}

TEST_F(WebhookLimitsTest, AnExponentialPolicyIsReadBackAsWritten) {
  v1::Webhook webhook = Simple();
  v1::ExponentialRetry* retry = webhook.mutable_retry_policy()->mutable_exponential();
  retry->mutable_first_delay()->set_seconds(2);
  retry->set_factor(1.5);
  retry->mutable_max_delay()->set_seconds(60);
  retry->set_max_attempts(4);
  webhook.mutable_retry_policy()->mutable_total_window()->set_seconds(3600);
  EXPECT_EQ(Created(webhook).retry_policy().DebugString(), webhook.retry_policy().DebugString());
  const auto stored = server_.configuration().FindWebhook({kDefaultTenant, 1});
  EXPECT_THAT(stored->retry_policy.delays,
              ElementsAre(absl::Seconds(2), absl::Seconds(3), absl::Milliseconds(4500)));
  EXPECT_EQ(stored->retry_policy.total_window, absl::Hours(1));

  retry->clear_factor();
  retry->clear_max_delay();
  const v1::ExponentialRetry filled = Created(webhook).retry_policy().exponential();
  EXPECT_EQ(filled.factor(), 2);
  EXPECT_EQ(filled.max_delay().seconds(), 86400);
}

TEST_F(WebhookLimitsTest, AllThatIsOutOfRangeIsNamedAtOnce) {
  v1::Webhook webhook = Simple();
  v1::ExponentialRetry* retry = webhook.mutable_retry_policy()->mutable_exponential();
  retry->set_factor(11);
  retry->set_max_attempts(2'000'000'000);
  webhook.mutable_retry_policy()->mutable_total_window()->set_seconds(31 * 86400);
  webhook.mutable_rate_limit()->set_attempts_per_second(std::numeric_limits<double>::quiet_NaN());
  webhook.mutable_rate_limit()->set_burst(-1);
  webhook.mutable_circuit_breaker()->set_failure_threshold(10'001);
  webhook.mutable_circuit_breaker()->mutable_open_time()->set_seconds(10);
  webhook.mutable_circuit_breaker()->mutable_max_open_time()->set_seconds(9);
  webhook.mutable_auto_suspend()->set_failure_count(-1);
  webhook.mutable_auto_suspend()->mutable_failure_span()->set_seconds(-1);
  webhook.set_max_pending(-1);
  webhook.set_overflow(static_cast<v1::Webhook::Overflow>(9));
  webhook.set_guarantee(static_cast<v1::Webhook::Guarantee>(9));
  webhook.mutable_tls()->set_ca_certificates("no PEM");
  EXPECT_THAT(
      Refused(webhook),
      UnorderedElementsAre(
          "webhook.retry_policy.exponential.first_delay", "webhook.retry_policy.exponential.factor",
          "webhook.retry_policy.exponential.max_attempts", "webhook.retry_policy.total_window",
          "webhook.rate_limit.attempts_per_second", "webhook.rate_limit.burst",
          "webhook.circuit_breaker.failure_threshold", "webhook.circuit_breaker.max_open_time",
          "webhook.auto_suspend.failure_count", "webhook.auto_suspend.failure_span",
          "webhook.max_pending", "webhook.overflow", "webhook.guarantee",
          "webhook.tls.ca_certificates"));
}

TEST_F(WebhookLimitsTest, WaysToSayTheSameThingExcludeEachOther) {
  v1::Webhook webhook = Simple();
  webhook.mutable_retry_policy()->set_no_retries(true);
  webhook.mutable_retry_policy()->mutable_exponential()->mutable_first_delay()->set_seconds(1);
  webhook.mutable_circuit_breaker()->set_disabled(true);
  webhook.mutable_circuit_breaker()->mutable_open_time()->set_seconds(1);
  webhook.mutable_auto_suspend()->set_disabled(true);
  webhook.mutable_auto_suspend()->set_failure_count(3);
  webhook.mutable_rate_limit();
  EXPECT_THAT(Refused(webhook), UnorderedElementsAre("webhook.retry_policy.exponential",
                                                     "webhook.circuit_breaker.open_time",
                                                     "webhook.auto_suspend.failure_count",
                                                     "webhook.rate_limit.attempts_per_second"));
}

TEST_F(WebhookLimitsTest, LimitsCanBeSetAndTakenAway) {
  v1::Webhook webhook = Simple();
  webhook.mutable_rate_limit()->set_attempts_per_second(2.5);
  webhook.mutable_circuit_breaker()->set_disabled(true);
  webhook.mutable_auto_suspend()->set_disabled(true);
  webhook.set_max_pending(7);
  webhook.set_overflow(v1::Webhook::OVERFLOW_DROP_OLDEST);
  const v1::Webhook created = Created(webhook);
  EXPECT_EQ(created.rate_limit().burst(), 3);  // one second's worth
  EXPECT_EQ(created.circuit_breaker().DebugString(), webhook.circuit_breaker().DebugString());
  EXPECT_EQ(created.auto_suspend().DebugString(), webhook.auto_suspend().DebugString());
  v1::Webhook updated;
  ASSERT_TRUE(Update(v1::Webhook(), {"rate_limit", "circuit_breaker"}, &updated).ok());
  EXPECT_FALSE(updated.has_rate_limit());
  EXPECT_EQ(updated.circuit_breaker().failure_threshold(), 20);
  EXPECT_TRUE(updated.auto_suspend().disabled());
  EXPECT_EQ(updated.max_pending(), 7);
  EXPECT_EQ(updated.overflow(), v1::Webhook::OVERFLOW_DROP_OLDEST);
}

TEST_F(WebhookLimitsTest, BestEffortHasItsOwnDefaultsAndRules) {
  v1::Webhook webhook = Simple();
  webhook.set_guarantee(v1::Webhook::GUARANTEE_BEST_EFFORT);
  const v1::Webhook created = Created(webhook);
  EXPECT_EQ(created.guarantee(), v1::Webhook::GUARANTEE_BEST_EFFORT);
  EXPECT_EQ(created.max_pending(), 100);
  EXPECT_EQ(created.overflow(), v1::Webhook::OVERFLOW_DROP_NEWEST);
  EXPECT_FALSE(created.has_retry_policy());
  const auto stored = server_.configuration().FindWebhook({kDefaultTenant, 1});
  EXPECT_TRUE(stored->retry_policy.delays.empty());
  EXPECT_EQ(stored->max_in_flight, 1);
  // What was read can be sent back.
  v1::Webhook updated;
  EXPECT_TRUE(Update(created, {"*"}, &updated).ok());
  EXPECT_TRUE(Update(Simple(), {"*"}, &updated).ok());
  EXPECT_EQ(updated.guarantee(), v1::Webhook::GUARANTEE_BEST_EFFORT);
  webhook.set_guarantee(v1::Webhook::GUARANTEE_AT_LEAST_ONCE);
  EXPECT_THAT(DetailsOf(Update(webhook, {"guarantee"}, &updated)).fields(),
              ElementsAre("webhook.guarantee"));

  webhook = Simple();
  webhook.set_guarantee(v1::Webhook::GUARANTEE_BEST_EFFORT);
  webhook.mutable_retry_policy()->set_no_retries(true);
  webhook.set_max_in_flight(1);
  webhook.set_ordering(v1::Webhook::ORDERING_NONE);
  EXPECT_THAT(Refused(webhook), UnorderedElementsAre("webhook.retry_policy",
                                                     "webhook.max_in_flight", "webhook.ordering"));
}

TEST_F(WebhookLimitsTest, ViewersSeeNoQuery) {
  Created(Simple());
  EXPECT_EQ(Get(server_.admin()).url(), Simple().url());
  EXPECT_EQ(Get(viewer_).url(), "https://hooks.example/x?***");
  KeyContext context(viewer_);
  v1::ListWebhooksResponse page;
  ASSERT_TRUE(stub_->ListWebhooks(&context, {}, &page).ok());
  EXPECT_THAT(page.DebugString(), Not(HasSubstr("hush")));
}

TEST_F(WebhookLimitsTest, TheStatusShowsCountersAndBreaker) {
  Created(Simple());
  const WebhookKey key{kDefaultTenant, 1};
  const absl::Time time = absl::FromUnixSeconds(1'700'000'000);
  server_.stats().SetBreaker(key, {BreakerState::kOpen, time, time + absl::Seconds(5)});
  const v1::Webhook::Status status = Get(viewer_).status();
  EXPECT_EQ(status.breaker_state(), v1::CircuitBreaker::STATE_OPEN);
  EXPECT_EQ(status.breaker_state_time().seconds(), 1'700'000'000);
  EXPECT_EQ(status.next_probe_time().seconds(), 1'700'000'005);
  EXPECT_FALSE(status.has_failing_since());
}

TEST(WebhookStatusTest, EveryCounterIsShown) {
  WebhookStats stats;
  stats.pending = 1;
  stats.succeeded = 2;
  stats.dead = 3;
  stats.expired = 4;
  stats.dropped = 5;
  stats.consecutive_failures = 6;
  stats.failing_since = absl::FromUnixSeconds(7);
  stats.last_failure_time = absl::FromUnixSeconds(8);
  stats.last_failure = "TIMEOUT";
  stats.last_success_time = absl::FromUnixSeconds(9);
  v1::Webhook::Status status;
  StatusToProto(stats, {BreakerState::kHalfOpen, absl::FromUnixSeconds(10), absl::InfinitePast()},
                &status);
  EXPECT_EQ(status.pending_count(), 1);
  EXPECT_EQ(status.succeeded_count(), 2);
  EXPECT_EQ(status.dead_count(), 3);
  EXPECT_EQ(status.expired_count(), 4);
  EXPECT_EQ(status.dropped_count(), 5);
  EXPECT_EQ(status.consecutive_failure_count(), 6);
  EXPECT_EQ(status.failing_since().seconds(), 7);
  EXPECT_EQ(status.last_failure_time().seconds(), 8);
  EXPECT_EQ(status.last_failure(), "TIMEOUT");
  EXPECT_EQ(status.last_success_time().seconds(), 9);
  EXPECT_EQ(status.breaker_state(), v1::CircuitBreaker::STATE_HALF_OPEN);
  EXPECT_EQ(status.breaker_state_time().seconds(), 10);
  EXPECT_FALSE(status.has_next_probe_time());
}

TEST_F(WebhookLimitsTest, AFewTestEventsAtATime) {
  Created(Simple());
  server_.HoldTests();
  v1::SendTestEventRequest request;
  request.set_name("webhooks/1");
  std::vector<std::thread> callers;
  std::atomic<int> answered{0};
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      KeyContext context(server_.admin());
      v1::SendTestEventResponse response;
      if (server_.Stub<v1::WebhookService>()->SendTestEvent(&context, request, &response).ok()) {
        ++answered;
      }
    });
  }
  while (server_.held_tests() < 16) std::this_thread::yield();
  KeyContext context(server_.admin());
  v1::SendTestEventResponse response;
  EXPECT_EQ(ReasonOf(stub_->SendTestEvent(&context, request, &response)), "OVERLOADED");
  server_.AnswerHeldTests();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, 16);
  KeyContext again(server_.admin());
  EXPECT_TRUE(stub_->SendTestEvent(&again, request, &response).ok());
}

}  // namespace
}  // namespace latchwire
