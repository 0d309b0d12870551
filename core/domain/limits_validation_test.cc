// What users may set as limits: of webhooks and of tenants.
#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "core/domain/validation.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> Fields(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  return fields;
}

std::vector<std::string> WebhookFields(const std::function<void(Webhook*)>& change) {
  Webhook webhook;
  webhook.url = "https://example.com/";
  change(&webhook);
  return Fields(Validate(webhook, "webhook"));
}

std::vector<std::string> TenantFields(const std::function<void(TenantSettings*)>& change) {
  TenantSettings settings;
  change(&settings);
  return Fields(Validate(settings, "tenant"));
}

TEST(LimitsValidationTest, TheDefaultsAreValid) {
  EXPECT_THAT(WebhookFields([](Webhook*) {}), IsEmpty());
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->circuit_breaker.failure_threshold = 0;
                w->auto_suspend.failure_count = 0;
              }),
              IsEmpty());
  EXPECT_THAT(TenantFields([](TenantSettings*) {}), IsEmpty());
}

TEST(LimitsValidationTest, ExponentialRetry) {
  const ExponentialRetry least{absl::Seconds(1), 1, absl::Seconds(1), 1};
  const ExponentialRetry most{absl::Hours(7 * 24), 10, absl::Hours(7 * 24), 31};
  for (const ExponentialRetry& retry : {least, most}) {
    EXPECT_THAT(
        WebhookFields([&](Webhook* w) { w->retry_policy = RetryPolicy::FromExponential(retry); }),
        IsEmpty());
  }
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->retry_policy.exponential =
                    ExponentialRetry{absl::Seconds(0), kNan, absl::Seconds(0), 32};
                w->retry_policy.total_window = absl::ZeroDuration();
              }),
              ElementsAre("webhook.retry_policy.exponential.first_delay",
                          "webhook.retry_policy.exponential.factor",
                          "webhook.retry_policy.exponential.max_delay",
                          "webhook.retry_policy.exponential.max_attempts",
                          "webhook.retry_policy.total_window"));
  Webhook webhook;
  webhook.url = "https://example.com/";
  webhook.retry_policy.exponential = ExponentialRetry{absl::Seconds(10), 2, absl::Seconds(9), 2};
  const auto violations = Validate(webhook, "webhook");
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_THAT(violations[0].description, HasSubstr("10s to 168h"));
}

TEST(LimitsValidationTest, RateBreakerSuspensionAndQueue) {
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->rate_limit = {kNan, 0};
              }),
              ElementsAre("webhook.rate_limit.attempts_per_second", "webhook.rate_limit.burst"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->rate_limit = {0.001, 100'000}; }), IsEmpty());
  EXPECT_THAT(
      WebhookFields([](Webhook* w) {
        w->circuit_breaker = {10'001, absl::Milliseconds(99), absl::Hours(25)};
      }),
      ElementsAre("webhook.circuit_breaker.failure_threshold", "webhook.circuit_breaker.open_time",
                  "webhook.circuit_breaker.max_open_time"));
  EXPECT_THAT(
      WebhookFields([](Webhook* w) {
        w->auto_suspend = {1'000'001, absl::Hours(2161)};
      }),
      ElementsAre("webhook.auto_suspend.failure_count", "webhook.auto_suspend.failure_span"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->max_pending = 100'000'001; }),
              ElementsAre("webhook.max_pending"));
}

TEST(LimitsValidationTest, Tenants) {
  EXPECT_THAT(TenantFields([](TenantSettings* s) {
                s->display_name = std::string(201, 'x');
                s->event_retention = absl::Seconds(59);
                s->max_held_time = absl::Hours(24 * 3661);
                s->quotas = {kNan, -1, -1};
              }),
              ElementsAre("tenant.display_name", "tenant.event_retention", "tenant.max_held_time",
                          "tenant.quotas.max_events_per_second", "tenant.quotas.max_stored_bytes",
                          "tenant.quotas.max_webhooks"));
  EXPECT_THAT(TenantFields([](TenantSettings* s) {
                s->event_retention = absl::Minutes(1);
                s->max_held_time = absl::ZeroDuration();
                s->quotas = {1'000'000, 1, 1};
              }),
              IsEmpty());
}

TEST(EventTypeTest, TheServersOwnAreRefused) {
  Event event;
  event.type = "latchwire.delivery.dead";
  event.canonical_type = "latchwire";
  event.data = "{}";
  EXPECT_THAT(Fields(Validate(event, "event")), ElementsAre("event.type", "event.canonical_type"));
  event.type = "latchwire-2.x";
  event.canonical_type = "x.latchwire";
  EXPECT_THAT(Fields(Validate(event, "event")), IsEmpty());
}

}  // namespace
}  // namespace latchwire
