// What holds for every format, so for the next one too.
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/version.h"
#include "core/formats/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A webhook of the format with what the server fills in for its user.
Webhook SomeWebhook(WebhookFormat format, Random* random) {
  Webhook webhook;
  webhook.format = format;
  webhook.id = "018bcfe5-6800-7abc-8def-0123456789ab";
  webhook.url = "https://a.example/x";
  webhook.timeout = GetFormat(format)->Defaults().timeout;
  webhook.retry_policy = GetFormat(format)->Defaults().retry_policy;
  if (GetFormat(format)->Secrets().use != SecretPolicy::Use::kNone) {
    webhook.secrets = {{GetFormat(format)->MakeSecret(random)}};
  }
  return webhook;
}

class EveryFormat : public testing::TestWithParam<FormatRow> {
 protected:
  const Format& format() const { return *GetFormat(GetParam().format); }
  SeededRandom random_{1};
};

TEST_P(EveryFormat, IsFoundByItsNumber) {
  EXPECT_EQ(FormatOfNumber(static_cast<int64_t>(GetParam().format)), GetParam().format);
  EXPECT_EQ(GetFormat(GetParam().format), GetFormat(GetParam().format));
}

TEST_P(EveryFormat, ItsDefaultsAndItsSecretsPassItsOwnCheck) {
  Webhook webhook = SomeWebhook(GetParam().format, &random_);
  EXPECT_THAT(ValidateForFormat(webhook, "webhook"), IsEmpty());
  webhook.ordering = WebhookOrdering::kBySubject;
  webhook.retry_policy = format().Defaults().ordered_retry_policy;
  EXPECT_THAT(ValidateForFormat(webhook, "webhook"), IsEmpty());
  EXPECT_THAT(format().Defaults().method, testing::AnyOf("GET", "POST", "PUT"));

  const SecretPolicy& policy = format().Secrets();
  if (policy.use == SecretPolicy::Use::kNone) return;
  EXPECT_LE(policy.min_key_bytes, policy.max_key_bytes);
  EXPECT_FALSE(policy.spelling.empty());
  EXPECT_NE(format().MakeSecret(&random_), format().MakeSecret(&random_));
  webhook.secrets.clear();
  EXPECT_EQ(ValidateForFormat(webhook, "webhook").empty(),
            policy.use == SecretPolicy::Use::kOptional);
}

TEST_P(EveryFormat, RendersWhatItSaysOfItself) {
  Webhook webhook = SomeWebhook(GetParam().format, &random_);
  webhook.headers = {{"X-Mine", "1"}};
  Event event = format().TestEvent(webhook);
  event.id = "018bcfe5-6800-7000-8000-0000000000aa";
  const FormatContext first{absl::FromUnixSeconds(1'700'000'000), 1, absl::Seconds(1), &random_};
  const FormatContext second{absl::FromUnixSeconds(1'700'000'060), 2, absl::Seconds(61), &random_};
  EXPECT_TRUE(format().Accepts(webhook, event));
  EXPECT_FALSE(format().MessageId(event, webhook).empty());
  const auto reserved = format().ReservedHeaders();
  for (const absl::string_view name : reserved) EXPECT_EQ(name, absl::AsciiStrToLower(name));
  for (const FormatContext& context : {first, second}) {
    const HttpRequest request = format().Render(event, webhook, context);
    EXPECT_EQ(request.method, format().Defaults().method);
    std::set<std::string> names;
    for (const auto& [name, value] : request.headers) {
      EXPECT_TRUE(names.insert(absl::AsciiStrToLower(name)).second) << name << " is sent twice";
    }
    EXPECT_EQ(names.erase("x-mine"), 1u);
    EXPECT_EQ(names, std::set<std::string>(reserved.begin(), reserved.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryFormat, testing::ValuesIn(FormatRows()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(ValidateForFormat, NamesWhatIsWrongWithOrWithoutTheFormat) {
  Webhook webhook;
  webhook.url = "ftp://x";
  webhook.headers = {{"Webhook-ID", "x"}, {"X-Fine", "x"}, {"webhook-signature", "x"}};
  std::vector<std::string> fields;
  for (const auto& violation : ValidateForFormat(webhook, "webhook")) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields,
              ElementsAre("webhook.url", "webhook.secret", "webhook.headers[\"Webhook-ID\"]",
                          "webhook.headers[\"webhook-signature\"]"));
}

TEST(ValidateForFormat, ChecksEverySecret) {
  Webhook webhook;
  webhook.url = "https://a.example/";
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const std::string fine = "whsec_" + std::string(32, 'A');
  webhook.secrets = {{fine, now}, {fine, now - absl::Seconds(1), now}};
  EXPECT_THAT(ValidateForFormat(webhook, "webhook"), IsEmpty());
  webhook.secrets[1].value = "short";
  EXPECT_EQ(ValidateForFormat(webhook, "webhook").size(), 1u);
}

TEST(ValidateForFormat, DiesOfSecretsThatAreOutOfOrder) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  Webhook oldest_first, none_lasts, too_many;
  oldest_first.secrets = {{"a", now}, {"b", now + absl::Seconds(1)}};
  none_lasts.secrets = {{"a", now, now + absl::Hours(1)}};
  too_many.secrets.resize(kMaxWebhookSecrets + 1);
  for (const Webhook& webhook : {oldest_first, none_lasts, too_many}) {
    EXPECT_FALSE(AreOrderly(webhook.secrets));
    EXPECT_DEATH(ValidateForFormat(webhook, "webhook"), "AreOrderly");
  }
}

TEST(Registry, ANumberWithoutARowIsNoFormat) {
  EXPECT_EQ(FormatOfNumber(0), std::nullopt);
  EXPECT_EQ(FormatOfNumber(-1), std::nullopt);
  EXPECT_EQ(FormatOfNumber(999), std::nullopt);
  EXPECT_DEATH(GetFormat(static_cast<WebhookFormat>(999)), "no format 999");
}

TEST(Version, IsThreeNumbers) {
  EXPECT_THAT(std::string(LatchwireVersion()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace latchwire
