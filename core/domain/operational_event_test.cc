#include "core/domain/operational_event.h"

#include "core/domain/matching.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1'700'000'000'123);

Webhook SampleWebhook() {
  Webhook webhook;
  webhook.key = {kDefaultTenant, 7};
  webhook.id = "0190f5a0-0000-7000-8000-000000000007";
  webhook.display_name = "The \"main\" door";
  webhook.url = "https://a.example/x?token=secret";
  return webhook;
}

TEST(OperationalEvent, SaysWhichWebhookWasSuspendedAndWhy) {
  const Webhook webhook = SampleWebhook();
  const Event event = WebhookSuspendedEvent(webhook, "receiver answered 410 Gone", kNow);
  EXPECT_EQ(event.type, "latchwire.webhook.suspended");
  EXPECT_EQ(event.source, "latchwire");
  EXPECT_EQ(event.subject, "webhooks/" + webhook.id);
  EXPECT_TRUE(IsOperationalType(event.type));
  const auto json = nlohmann::json::parse(event.data);
  EXPECT_EQ(json["webhook"]["name"], "webhooks/" + webhook.id);
  EXPECT_EQ(json["webhook"]["uid"], 7);
  EXPECT_EQ(json["webhook"]["display_name"], webhook.display_name);
  EXPECT_EQ(json["webhook"]["url"], "https://a.example/x?***");
  EXPECT_EQ(json["reason"], "receiver answered 410 Gone");
  EXPECT_EQ(json["time"], "2023-11-14T22:13:20.123Z");
}

TEST(OperationalEvent, SaysWhichDeliveryIsDead) {
  Event about;
  about.id = "abc";
  about.number = 1234;
  about.type = "door.opened";
  about.source = "panel";
  about.subject = "door-1";
  Delivery delivery;
  delivery.key = {{kDefaultTenant, 7}, 1234};
  delivery.attempt_count = 10;
  delivery.last_http_status = 503;
  const Event event = DeliveryDeadEvent(SampleWebhook(), delivery, about, kNow);
  EXPECT_EQ(event.type, "latchwire.delivery.dead");
  const auto json = nlohmann::json::parse(event.data);
  EXPECT_EQ(json["delivery"], "deliveries/7-1234");
  EXPECT_EQ(json["event"]["id"], "abc");
  EXPECT_EQ(json["event"]["number"], 1234);
  EXPECT_EQ(json["event"]["type"], "door.opened");
  EXPECT_EQ(json["event"]["source"], "panel");
  EXPECT_EQ(json["event"]["subject"], "door-1");
  EXPECT_EQ(json["attempt_count"], 10);
  EXPECT_EQ(json["last_http_status"], 503);
  EXPECT_EQ(json["last_error"], "");
}

}  // namespace
}  // namespace latchwire
