#include "core/formats/standard_webhooks.h"

#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/crypto.h"
#include "core/base/testing/source_tree.h"
#include "core/base/version.h"
#include "core/json/json_syntax.h"
#include "core/signatures/standard.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// As a receiver's library hands them over.
Pairs PairsOf(const HttpHeaders& headers) {
  Pairs pairs;
  for (const HttpHeader& header : headers) pairs.emplace_back(header.name, header.value);
  return pairs;
}

const Format& TheFormat() { return *GetFormat(WebhookFormat::kStandardWebhooks); }

absl::Time ParseTime(const std::string& text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) << text;
  return time;
}

nlohmann::json Vectors() {
  return nlohmann::json::parse(
      std::ifstream(SourcePath("tests/vectors/format_standard.json")))["cases"];
}

Event EventOf(const nlohmann::json& c) {
  Event event;
  event.id = c["id"];
  event.type = c["type"];
  event.occur_time = ParseTime(c["occur_time"]);
  event.content_type = c.value("content_type", "");
  event.is_json = c.contains("json");
  event.data = event.is_json ? c["json"].get<std::string>()
                             : *Base64Decode(c["binary_base64"].get<std::string>());
  return event;
}

Webhook WebhookOf(const nlohmann::json& c) {
  Webhook webhook;
  webhook.id = c["id"];
  webhook.url = c["url"];
  webhook.secrets = {{c["secret"].get<std::string>()}};
  webhook.headers = c["headers"].get<std::map<std::string, std::string>>();
  return webhook;
}

TEST(StandardWebhooks, VectorsByteForByte) {
  const auto vectors = Vectors();
  ASSERT_GE(vectors.size(), 20);
  for (const auto& c : vectors) {
    const Event event = EventOf(c["event"]);
    const Webhook webhook = WebhookOf(c["webhook"]);
    const FormatContext context{absl::FromUnixMillis(c["attempt_time_ms"].get<int64_t>()),
                                c["attempt_number"].get<int>()};
    const HttpRequest request = TheFormat().Render(event, webhook, context);
    const auto& expect = c["expect"];
    const auto expected = [&expect](const char* member) {
      return expect[member].get<std::string>();
    };
    EXPECT_EQ(request.method, expected("method")) << c["name"];
    EXPECT_EQ(request.url, expected("url")) << c["name"];
    EXPECT_EQ(request.body, expected("body")) << c["name"];
    HttpHeaders headers;
    for (const auto& header : expect["headers"]) {
      headers.push_back({header[0], absl::StrReplaceAll(header[1].get<std::string>(),
                                                        {{"{version}", LatchwireVersion()}})});
    }
    EXPECT_EQ(request.headers, headers) << c["name"];
    EXPECT_EQ(TheFormat().MessageId(event, webhook), headers[2].value);
    // What goes out is what our own receivers accept, and is JSON around exact bytes.
    EXPECT_TRUE(VerifyStandard({webhook.secrets[0].value}, PairsOf(request.headers), request.body,
                               context.attempt_time)
                    .ok())
        << c["name"];
    EXPECT_TRUE(IsWellFormedJson(request.body, nullptr)) << c["name"];
    // What the webhook holds is what may be saved.
    EXPECT_THAT(ValidateForFormat(webhook, "webhook"), IsEmpty()) << c["name"];
  }
}

// The worked example of the documentation is the first vector.
TEST(StandardWebhooks, TheDocumentationShowsARealRequest) {
  std::ifstream file(SourcePath("docs/formats/standard-webhooks.md"));
  std::stringstream text;
  text << file.rdbuf();
  const auto c = Vectors()[0];
  EXPECT_THAT(text.str(), HasSubstr(c["expect"]["body"].get<std::string>()));
  EXPECT_THAT(text.str(), HasSubstr(c["webhook"]["secret"].get<std::string>()));
  for (const auto& header : c["expect"]["headers"]) {
    EXPECT_THAT(text.str(),
                HasSubstr(absl::StrCat(header[0].get<std::string>(), ": ",
                                       absl::StrReplaceAll(header[1].get<std::string>(),
                                                           {{"{version}", "<version>"}}))));
  }
}

TEST(StandardWebhooks, TimestampFallsBackToTheReceipt) {
  Event event;
  event.id = "e";
  event.type = "a";
  event.data = "1";
  event.receive_time = absl::FromUnixSeconds(1'700'000'000);
  Webhook webhook;
  const FormatContext context{absl::FromUnixSeconds(1'700'000'060), 1};
  EXPECT_EQ(TheFormat().Render(event, webhook, context).body,
            R"({"type":"a","timestamp":"2023-11-14T22:13:20Z","data":1})");
  event.receive_time = absl::InfinitePast();
  EXPECT_EQ(TheFormat().Render(event, webhook, context).body,
            R"({"type":"a","timestamp":"2023-11-14T22:14:20Z","data":1})");
}

TEST(StandardWebhooks, TextsAreEscapedWhateverTheyHold) {
  Event event;
  event.id = "e";
  event.type = "a\"\\\x01\x1f\b\f\n\r\t/ł";
  event.data = "1";
  event.occur_time = absl::UnixEpoch();
  const std::string body = TheFormat().Render(event, Webhook(), FormatContext()).body;
  EXPECT_EQ(
      body,
      R"({"type":"a\"\\\u0001\u001f\b\f\n\r\t/ł","timestamp":"1970-01-01T00:00:00Z","data":1})");
  EXPECT_EQ(nlohmann::json::parse(body)["type"].get<std::string>(), event.type);
}

TEST(StandardWebhooks, ASecretThatCannotBeDecodedSignsNothing) {
  Webhook webhook;
  webhook.secrets = {{"whsec_*"}};
  const auto request = TheFormat().Render(Event(), webhook, FormatContext());
  for (const auto& [name, value] : request.headers) EXPECT_NE(name, "webhook-signature");
}

TEST(StandardWebhooks, SecretsArePrefixedBase64Of24To64Bytes) {
  const auto secret_of = [](size_t bytes) {
    return absl::StrCat("whsec_", Base64Encode(std::string(bytes, 'k')));
  };
  const auto violations_of = [](const std::string& secret) {
    Webhook webhook;
    webhook.url = "https://a.example/";
    webhook.secrets = {{secret}};
    return ValidateForFormat(webhook, "webhook");
  };
  EXPECT_THAT(violations_of(secret_of(24)), IsEmpty());
  EXPECT_THAT(violations_of(secret_of(64)), IsEmpty());
  for (const std::string& secret : {secret_of(23), secret_of(65), std::string(), secret_of(0),
                                    Base64Encode(std::string(32, 'k')), "WHSEC_" + secret_of(32),
                                    secret_of(32) + " ", secret_of(32) + "!"}) {
    const std::vector<FieldViolation> violations = violations_of(secret);
    ASSERT_EQ(violations.size(), 1u) << secret;
    EXPECT_EQ(violations[0].field, "webhook.secret");
    EXPECT_EQ(violations[0].description, "must be whsec_ followed by base64 of 24 to 64 bytes");
  }
}

// What is kept of webhooks between messages must never serve another one, nor outlive a change.
TEST(StandardWebhooks, SignsWithTheSecretThatTheWebhookHasNow) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  Event event;
  event.id = "1";
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1000; ++i) {
      Webhook webhook;
      webhook.id = absl::StrCat("webhook-", i);
      webhook.secrets = {{absl::StrCat(
          "whsec_", Base64Encode(absl::StrCat(std::string(32, 'k'), i, "-", round / 2)))}};
      const HttpRequest request = TheFormat().Render(event, webhook, {now, 1});
      ASSERT_TRUE(
          VerifyStandard({webhook.secrets[0].value}, PairsOf(request.headers), request.body, now)
              .ok())
          << i;
      ASSERT_EQ(request.headers[2].value, TheFormat().MessageId(event, webhook)) << i;
    }
  }
}

// A rotation: receivers that know either secret take the request until the old one expires.
TEST(StandardWebhooks, SignsWithEverySecretThatHasNotExpired) {
  const absl::Time rotated = absl::FromUnixSeconds(1'700'000'000);
  const std::string old_secret = "whsec_" + Base64Encode(std::string(32, 'o'));
  const std::string new_secret = "whsec_" + Base64Encode(std::string(32, 'n'));
  Event event;
  event.id = "1";
  Webhook webhook;
  webhook.id = "w";
  webhook.secrets = {{new_secret, rotated},
                     {old_secret, rotated - absl::Hours(24), rotated + absl::Hours(1)}};
  ASSERT_TRUE(AreOrderly(webhook.secrets));
  const auto signatures_at = [&](absl::Time time) -> std::vector<std::string> {
    const HttpRequest request = TheFormat().Render(event, webhook, {time, 1});
    EXPECT_TRUE(VerifyStandard({new_secret}, PairsOf(request.headers), request.body, time).ok());
    EXPECT_EQ(VerifyStandard({old_secret}, PairsOf(request.headers), request.body, time).ok(),
              time < rotated + absl::Hours(1));
    return absl::StrSplit(request.headers.back().value, ' ');
  };
  const std::vector<std::string> both = signatures_at(rotated + absl::Hours(1) - absl::Seconds(1));
  EXPECT_EQ(both.size(), 2u);
  EXPECT_EQ(signatures_at(rotated + absl::Hours(1)).size(), 1u);
  Webhook renewed = webhook;
  renewed.secrets.pop_back();
  const HttpRequest request =
      TheFormat().Render(event, renewed, {rotated + absl::Hours(1) - absl::Seconds(1), 1});
  EXPECT_EQ(request.headers.back().value, both[0]) << "the newest is not the first";
}

TEST(StandardWebhooks, ReservedHeadersAreThoseItSends) {
  std::vector<std::string> sent;
  Webhook webhook;
  webhook.secrets = {{"whsec_" + Base64Encode(std::string(32, 'k'))}};
  for (const auto& [name, value] : TheFormat().Render(Event(), webhook, FormatContext()).headers) {
    sent.push_back(absl::AsciiStrToLower(name));
  }
  const auto reserved = TheFormat().ReservedHeaders();
  EXPECT_EQ(std::vector<std::string>(reserved.begin(), reserved.end()), sent);
}

TEST(StandardWebhooks, TestEventIsValidButForItsTypeWhichIsTheServersOwn) {
  Webhook webhook;
  webhook.id = "018bcfe5-6800-7abc-8def-0123456789ab";
  const Event event = TheFormat().TestEvent(webhook);
  const std::vector<FieldViolation> violations = Validate(event, "event");
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, "event.type");
  EXPECT_EQ(nlohmann::json::parse(event.data)["webhook"].get<std::string>(),
            "webhooks/" + webhook.id);
}

}  // namespace
}  // namespace latchwire
