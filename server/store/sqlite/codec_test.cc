#include "server/store/sqlite/codec.h"

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "server/store/testing/conformance.h"

namespace latchwire::sqlite {
namespace {

// Written by the first version of the record, which knew nothing of limits, guarantees and TLS.
constexpr char kWebhookOfFormat1[] =
    "0102010766726f6e742e2a00000101780131008087a70e0280ade204808c8d9e020406"
    "feffffffffffffffff010000020202";

TEST(CodecTest, AWebhookOfTheFirstFormatHasTheDefaultsOfWhatItDidNotKnow) {
  Webhook webhook;
  webhook.guarantee = WebhookGuarantee::kAtLeastOnce;
  const std::string packed = absl::HexStringToBytes(kWebhookOfFormat1);
  ASSERT_EQ(UnpackWebhook(packed, &webhook), absl::OkStatus());
  ASSERT_EQ(webhook.any_of.size(), 1u);
  EXPECT_EQ(webhook.any_of[0].type_pattern, "front.*");
  EXPECT_EQ(webhook.ordering, WebhookOrdering::kBySubject);
  EXPECT_EQ(webhook.max_in_flight, 3);
  Webhook untouched;
  EXPECT_EQ(webhook.guarantee, untouched.guarantee);
  EXPECT_EQ(webhook.rate_limit, untouched.rate_limit);
  EXPECT_EQ(webhook.circuit_breaker, untouched.circuit_breaker);
  EXPECT_EQ(webhook.auto_suspend, untouched.auto_suspend);
  EXPECT_EQ(webhook.max_pending, 0);
  EXPECT_EQ(webhook.overflow, OverflowPolicy::kReject);
  EXPECT_EQ(webhook.tls, nullptr);
  EXPECT_EQ(webhook.retry_policy.exponential, std::nullopt);
  EXPECT_EQ(webhook.retry_policy.total_window, absl::InfiniteDuration());
}

// Written by the second version of the record, with one secret and no times of secrets.
constexpr char kWebhookOfFormat2[] =
    "0202010766726f6e742e2a00000101780131036f6c648087a70e0280ade204808c8d9e020406"
    "feffffffffffffffff0100000202020200feffffffffffffffff0100022880ade204808c8d9e0228"
    "8080a7d39219000200";

TEST(CodecTest, TheOneSecretOfAnEarlierFormatCountsFromTheWebhooksCreation) {
  Webhook webhook;
  ASSERT_EQ(UnpackWebhook(absl::HexStringToBytes(kWebhookOfFormat2), &webhook), absl::OkStatus());
  const std::vector<WebhookSecret> expected = {
      {"old", absl::FromUnixMicros(1), absl::InfiniteFuture()}};
  EXPECT_EQ(webhook.secrets, expected);
  EXPECT_EQ(webhook.create_time, absl::FromUnixMicros(1));
  EXPECT_EQ(webhook.max_in_flight, 3);

  Webhook again;
  ASSERT_EQ(UnpackWebhook(PackWebhook(webhook), &again), absl::OkStatus());
  EXPECT_EQ(again.secrets, expected);
  Webhook first;
  ASSERT_EQ(UnpackWebhook(absl::HexStringToBytes(kWebhookOfFormat1), &first), absl::OkStatus());
  EXPECT_TRUE(first.secrets.empty());
}

TEST(CodecTest, ARecordThatIsCutShortOrOfALaterFormatIsAnError) {
  Webhook webhook;
  webhook.tls = std::make_shared<TlsProfile>(TlsProfile{"a", "b", "c"});
  webhook.secrets = {{"s", absl::FromUnixSeconds(2)}, {"t", absl::FromUnixSeconds(1)}};
  const std::string packed = PackWebhook(webhook);
  for (size_t size = 0; size < packed.size(); ++size) {
    Webhook read;
    EXPECT_THAT(UnpackWebhook(packed.substr(0, size), &read), HasReason("STORE_UNAVAILABLE"));
  }
  Webhook read;
  EXPECT_EQ(UnpackWebhook(packed, &read), absl::OkStatus());
  std::string later = packed;
  later[0] = 4;
  EXPECT_THAT(UnpackWebhook(later, &read), HasReason("STORE_UNAVAILABLE"));
}

}  // namespace
}  // namespace latchwire::sqlite
