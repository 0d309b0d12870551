#include "core/domain/validation.h"

#include <functional>

#include "absl/strings/str_cat.h"
#include "core/json/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Fields(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) {
    EXPECT_FALSE(violation.description.empty());
    fields.push_back(violation.field);
  }
  return fields;
}

std::string Repeated(const std::string& text, size_t times) {
  std::string repeated;
  for (size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

Event GoodEvent() {
  Event event;
  event.type = "log.door_was_opened";
  event.data = "{}";
  return event;
}

std::vector<std::string> EventFields(const std::function<void(Event*)>& change) {
  Event event = GoodEvent();
  change(&event);
  return Fields(Validate(event, "event"));
}

Webhook GoodWebhook() {
  Webhook webhook;
  webhook.url = "https://example.com/hook";
  return webhook;
}

std::vector<std::string> WebhookFields(const std::function<void(Webhook*)>& change) {
  Webhook webhook = GoodWebhook();
  change(&webhook);
  return Fields(Validate(webhook, "webhook"));
}

TEST(ValidateEvent, AcceptsTheLimitsThemselves) {
  Event event = GoodEvent();
  event.id = std::string(128, 'a');
  event.type = std::string(200, 'x');
  event.canonical_type = "door.opened";
  event.source = Repeated("ł", 200);
  event.subject = Repeated("🚪", 200);
  event.content_type = std::string(200, 'c');
  event.priority = 9;
  event.occur_time = absl::UnixEpoch();
  event.expire_time = absl::FromUnixSeconds(253402300799);
  for (int i = 0; i < 64; ++i) {
    event.attributes[absl::StrCat(std::string(62, 'k'), i / 10, i % 10)] = std::string(1024, 'v');
  }
  event.data = "\"" + std::string(kMaxEventDataBytes - 2, 'd') + "\"";
  EXPECT_THAT(Validate(event, "event"), IsEmpty());
  EXPECT_THAT(Validate(GoodEvent(), "event"), IsEmpty());
}

TEST(ValidateEvent, RefusesOneMoreThanTheLimit) {
  EXPECT_THAT(EventFields([](Event* e) { e->id = std::string(129, 'a'); }),
              ElementsAre("event.id"));
  EXPECT_THAT(EventFields([](Event* e) { e->type = std::string(201, 'x'); }),
              ElementsAre("event.type"));
  EXPECT_THAT(EventFields([](Event* e) { e->source = Repeated("ł", 201); }),
              ElementsAre("event.source"));
  EXPECT_THAT(EventFields([](Event* e) { e->subject = Repeated("ł", 201); }),
              ElementsAre("event.subject"));
  EXPECT_THAT(EventFields([](Event* e) { e->content_type = std::string(201, 'c'); }),
              ElementsAre("event.content_type"));
  EXPECT_THAT(EventFields([](Event* e) { e->priority = 10; }), ElementsAre("event.priority"));
  EXPECT_THAT(EventFields([](Event* e) { e->priority = -1; }), ElementsAre("event.priority"));
  EXPECT_THAT(EventFields([](Event* e) {
                e->data = "\"" + std::string(kMaxEventDataBytes - 1, 'd') + "\"";
              }),
              ElementsAre("event.json"));
  EXPECT_THAT(EventFields([](Event* e) {
                e->is_json = false;
                e->data = std::string(kMaxEventDataBytes + 1, '\0');
              }),
              ElementsAre("event.binary"));
  EXPECT_THAT(EventFields([](Event* e) {
                for (int i = 0; i < 65; ++i) e->attributes[absl::StrCat("k", i)] = "v";
              }),
              ElementsAre("event.attributes"));
  EXPECT_THAT(EventFields([](Event* e) { e->attributes["k"] = std::string(1025, 'v'); }),
              ElementsAre("event.attributes[\"k\"]"));
}

TEST(ValidateEvent, Ids) {
  for (const char* id :
       {"a", "order:42", "018bcfe5-6800-7000-8000-0000000000aa", "~._-:", "1a", "-1"}) {
    EXPECT_THAT(EventFields([id](Event* e) { e->id = id; }), IsEmpty()) << id;
  }
  for (const char* id : {"1", "0123456789", "a b", "a/b", "ł", "a\n", "a,b", "a%20"}) {
    EXPECT_THAT(EventFields([id](Event* e) { e->id = id; }), ElementsAre("event.id")) << id;
  }
}

TEST(ValidateEvent, Types) {
  for (const char* type : {"a", "log.tamper_event", "A-b.C_d.9"}) {
    EXPECT_THAT(EventFields([type](Event* e) { e->type = e->canonical_type = type; }), IsEmpty());
  }
  for (const char* type : {".", "a.", ".a", "a..b", "a b", "*", "a.*", "ł", "a/b"}) {
    EXPECT_THAT(EventFields([type](Event* e) { e->type = e->canonical_type = type; }),
                ElementsAre("event.type", "event.canonical_type"))
        << type;
  }
  EXPECT_THAT(EventFields([](Event* e) { e->type = ""; }), ElementsAre("event.type"));
}

TEST(ValidateEvent, TypesOfTheServersOwnAreRefused) {
  for (const char* type : {"latchwire", "latchwire.x", "latchwire.delivery.dead"}) {
    Event event;
    event.type = type;
    event.data = "{}";
    ASSERT_EQ(Validate(event, "event").size(), 1) << type;
    EXPECT_EQ(Validate(event, "event")[0].field, "event.type");
    event.canonical_type = std::exchange(event.type, "door.opened");
    ASSERT_EQ(Validate(event, "event").size(), 1) << type;
    EXPECT_EQ(Validate(event, "event")[0].field, "event.canonical_type");
  }
  Event event;
  event.type = "latchwires.x";
  event.data = "{}";
  EXPECT_TRUE(Validate(event, "").empty());
}

TEST(ValidateEvent, TextsAreUtf8WithoutNul) {
  EXPECT_THAT(EventFields([](Event* e) {
                e->source = "\xff";
                e->subject = std::string("a\0b", 3);
                e->attributes["k"] = "\xc3";
              }),
              ElementsAre("event.source", "event.subject", "event.attributes[\"k\"]"));
}

TEST(ValidateEvent, AttributeKeys) {
  EXPECT_THAT(EventFields([](Event* e) { e->attributes["origin_2"] = ""; }), IsEmpty());
  for (const std::string& key : {std::string(), std::string("Origin"), std::string("a-b"),
                                 std::string("ł"), std::string("a b")}) {
    EXPECT_EQ(EventFields([&key](Event* e) { e->attributes[key] = ""; }).size(), 1) << key;
  }
  // The path of a key that is not text stays text, and short.
  const auto fields =
      EventFields([](Event* e) { e->attributes["\xff" + std::string(500, 'x')] = ""; });
  ASSERT_EQ(fields.size(), 1);
  EXPECT_THAT(fields[0], HasSubstr("event.attributes[\"\\xff"));
  EXPECT_LT(fields[0].size(), 120);
  EXPECT_NE(CodePointCount(fields[0]), absl::string_view::npos);
}

TEST(ValidateEvent, DataIsOneJsonValueOnlyWhereItSaysSo) {
  EXPECT_THAT(EventFields([](Event* e) { e->data = "{\"a\":1.00,\"a\":\"\\/\"}"; }), IsEmpty());
  EXPECT_THAT(EventFields([](Event* e) { e->data = "{} {}"; }), ElementsAre("event.json"));
  EXPECT_THAT(EventFields([](Event* e) { e->data = ""; }), ElementsAre("event.json"));
  EXPECT_THAT(EventFields([](Event* e) {
                e->is_json = false;
                e->data = "\xff not json";
              }),
              IsEmpty());
  EXPECT_THAT(EventFields([](Event* e) {
                e->is_json = false;
                e->data = "";
              }),
              IsEmpty());
}

TEST(ValidateEvent, ContentTypeGoesIntoAHeader) {
  EXPECT_THAT(EventFields([](Event* e) { e->content_type = "a/b\r\nx: y"; }),
              ElementsAre("event.content_type"));
}

TEST(ValidateEvent, TimesAreThoseThatCanBeWritten) {
  EXPECT_THAT(EventFields([](Event* e) { e->occur_time = absl::InfiniteFuture(); }),
              ElementsAre("event.occur_time"));
  EXPECT_THAT(EventFields([](Event* e) { e->occur_time = absl::FromUnixSeconds(253402300800); }),
              ElementsAre("event.occur_time"));
  EXPECT_THAT(EventFields([](Event* e) { e->expire_time = absl::InfinitePast(); }),
              ElementsAre("event.expire_time"));
}

TEST(ValidateEvent, TellsAllAtOnceUnderItsPrefix) {
  Event event;
  event.id = "12";
  event.type = "";
  event.priority = 77;
  event.data = "{";
  const auto violations = Validate(event, "events[3]");
  EXPECT_THAT(Fields(violations), ElementsAre("events[3].id", "events[3].type",
                                              "events[3].priority", "events[3].json"));
  EXPECT_THAT(violations[2].description, HasSubstr("0 to 9, is 77"));
  EXPECT_THAT(Fields(Validate(event, "")), ElementsAre("id", "type", "priority", "json"));
}

TEST(ValidateWebhook, AcceptsTheLimitsThemselves) {
  Webhook webhook = GoodWebhook();
  webhook.display_name = Repeated("ł", 200);
  webhook.url = "http://a/" + std::string(1991, 'x');
  for (int i = 0; i < 256; ++i) webhook.any_of.push_back({"a.*", Repeated("ł", 200), "d"});
  for (int i = 0; i < 64; ++i) webhook.headers[absl::StrCat("X-", i)] = std::string(4096, 'v');
  for (int i = 0; i < 64; ++i) webhook.annotations[absl::StrCat("Ł ", i)] = std::string(4096, 'v');
  webhook.timeout = absl::Seconds(60);
  webhook.retry_policy.delays.assign(30, absl::Hours(7 * 24));
  webhook.max_in_flight = 256;
  webhook.max_event_age = absl::Hours(30 * 24);
  EXPECT_THAT(Validate(webhook, "webhook"), IsEmpty());
  webhook.timeout = absl::Seconds(1);
  webhook.retry_policy.delays = {absl::Seconds(1)};
  webhook.max_in_flight = 1;
  webhook.max_event_age = absl::Seconds(1);
  EXPECT_THAT(Validate(webhook, "webhook"), IsEmpty());
  webhook.retry_policy.delays.clear();
  EXPECT_THAT(Validate(webhook, "webhook"), IsEmpty());
}

TEST(ValidateWebhook, RefusesOneMoreThanTheLimit) {
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->display_name = Repeated("ł", 201); }),
              ElementsAre("webhook.display_name"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->url = "x"; }), ElementsAre("webhook.url"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->any_of.resize(257); }),
              ElementsAre("webhook.any_of"));
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->any_of = {{"a", "", ""}, {"a..b", Repeated("x", 201), "\xff"}, {"*.*", "", ""}};
              }),
              ElementsAre("webhook.any_of[1].type_pattern", "webhook.any_of[1].source",
                          "webhook.any_of[1].subject"));
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                for (int i = 0; i < 65; ++i) w->headers[absl::StrCat("X-", i)] = "v";
              }),
              ElementsAre("webhook.headers"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->timeout = absl::Milliseconds(999); }),
              ElementsAre("webhook.timeout"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->timeout = absl::Seconds(60.001); }),
              ElementsAre("webhook.timeout"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->timeout = absl::InfiniteDuration(); }),
              ElementsAre("webhook.timeout"));
  EXPECT_THAT(
      WebhookFields([](Webhook* w) { w->retry_policy.delays.assign(31, absl::Seconds(1)); }),
      ElementsAre("webhook.retry_policy.delays"));
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->retry_policy.delays = {absl::Seconds(1), absl::Milliseconds(999),
                                          absl::Hours(7 * 24) + absl::Nanoseconds(1)};
              }),
              ElementsAre("webhook.retry_policy.delays[1]", "webhook.retry_policy.delays[2]"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->max_in_flight = 0; }),
              ElementsAre("webhook.max_in_flight"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->max_in_flight = 257; }),
              ElementsAre("webhook.max_in_flight"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->max_event_age = absl::ZeroDuration(); }),
              ElementsAre("webhook.max_event_age"));
  EXPECT_THAT(WebhookFields([](Webhook* w) { w->max_event_age = absl::Hours(30 * 24 + 1); }),
              ElementsAre("webhook.max_event_age"));
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->annotations[""] = "";
                w->annotations[std::string(65, 'k')] = "";
                w->annotations["v"] = std::string(4097, 'v');
              }),
              ElementsAre("webhook.annotations[\"\"]",
                          "webhook.annotations[\"" + std::string(64, 'k') + "...\"]",
                          "webhook.annotations[\"v\"]"));
}

TEST(ValidateWebhook, Headers) {
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->headers = {{"Authorization", "Bearer x"}, {"x-!#$%&'*+-.^_`|~9", "\t ~"}};
              }),
              IsEmpty());
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a:"),
                                  std::string("ł"), std::string("a\r\nb"), std::string("(x)")}) {
    EXPECT_EQ(WebhookFields([&name](Webhook* w) { w->headers[name] = "v"; }).size(), 1) << name;
  }
  for (const std::string& value :
       {std::string("a\r\nb: c"), std::string("a\n"), std::string("\x7f"), std::string("\0", 1),
        std::string("ł"), std::string(4097, 'v')}) {
    EXPECT_THAT(WebhookFields([&value](Webhook* w) { w->headers["X"] = value; }),
                ElementsAre("webhook.headers[\"X\"]"));
  }
  EXPECT_THAT(WebhookFields([](Webhook* w) {
                w->headers = {{"X-A", ""}, {"x-a", ""}};
              }),
              ElementsAre("webhook.headers[\"x-a\"]"));
}

TEST(ValidateWebhook, SystemHeadersInAnyCase) {
  for (const char* name : {"Host",
                           "CONNECTION",
                           "keep-alive",
                           "Transfer-Encoding",
                           "Upgrade",
                           "Via",
                           "TE",
                           "Trailer",
                           "Content-Length",
                           "Content-Type",
                           "Origin",
                           "Permissions-Policy",
                           "User-Agent",
                           "Accept",
                           "Accept-Encoding",
                           "Accept-Language",
                           "X-Forwarded-For",
                           "X-Forwarded-Host",
                           "X-Forwarded-Proto",
                           "X-Real-IP",
                           "Forwarded",
                           "Date",
                           "Expires",
                           "Last-Modified",
                           "Cache-Control",
                           "ETag",
                           "If-Match",
                           "If-None-Match",
                           "Access-Control-Allow-Origin",
                           "Access-Control-Allow-Methods",
                           "Access-Control-Allow-Headers",
                           "Access-Control-Expose-Headers"}) {
    EXPECT_EQ(WebhookFields([name](Webhook* w) { w->headers[name] = "v"; }).size(), 1) << name;
  }
}

TEST(Names, TypePatternsAndAgents) {
  for (const char* pattern : {"*", "a.*", "*.*", "*.b", "a.b"}) {
    EXPECT_TRUE(IsValidTypePattern(pattern)) << pattern;
  }
  EXPECT_TRUE(IsValidTypePattern(std::string(200, 'x')));
  for (const char* pattern : {"", ".", "a*", "*a.b", "**", "a.", "a b", "?"}) {
    EXPECT_FALSE(IsValidTypePattern(pattern)) << pattern;
  }
  EXPECT_FALSE(IsValidTypePattern(std::string(201, 'x')));
  EXPECT_TRUE(IsValidAgentName("gate-1.north_2"));
  EXPECT_TRUE(IsValidAgentName(std::string(64, 'a')));
  for (const std::string& name : {std::string(), std::string("A"), std::string("a b"),
                                  std::string("a/b"), std::string(65, 'a')}) {
    EXPECT_FALSE(IsValidAgentName(name)) << name;
  }
}

}  // namespace
}  // namespace latchwire
