#include "edge-agent/sources/http_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/testing/captured_log.h"
#include "core/base/testing/simulated_world.h"
#include "core/catalogue/catalogue.h"
#include "core/domain/validation.h"
#include "core/json/json_syntax.h"
#include "core/json/json_text.h"
#include "core/signatures/panel.h"

namespace latchwire::edge {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class FakeSink : public EventSink {
 public:
  void Accept(std::vector<Event> batch, absl::AnyInvocable<void(absl::Status)> done) override {
    if (hold) {
      held.push_back(std::move(done));
      return;
    }
    if (status.ok()) events.insert(events.end(), batch.begin(), batch.end());
    done(status);
  }
  bool hold = false;
  absl::Status status;
  std::vector<Event> events;
  std::vector<absl::AnyInvocable<void(absl::Status)>> held;
};

// Both ends of the router, without a socket between.
class RouterWorld {
 public:
  explicit RouterWorld(IntakeConfig config)
      : intake_(*Intake::Make(config, &sink_, &clock_, &random_)) {}

  HttpResponse Get(absl::string_view target) { return Send("GET", target, ""); }
  HttpResponse Post(absl::string_view target, std::string body, HttpHeaders headers = {}) {
    return Send("POST", target, std::move(body), std::move(headers));
  }
  HttpResponse Panel(std::string body, absl::string_view secret = "panel-secret") {
    HttpHeaders headers = {{"X-Webhook-Signature", SignPanel(secret, body)}};
    return Post("/in/panel", std::move(body), std::move(headers));
  }
  // The status is 0 while there is no answer yet.
  HttpResponse Send(absl::string_view method, absl::string_view target, std::string body,
                    HttpHeaders headers = {}) {
    IncomingRequest request;
    request.method = std::string(method);
    request.target = std::string(target);
    request.headers = std::move(headers);
    request.peer = "192.0.2.7";
    const HeadVerdict verdict = router_.CheckHead(request);
    if (verdict.refusal) return *verdict.refusal;
    request.body = std::move(body);
    // Shared, for an answer may come when nobody waits for it any more.
    auto result = std::make_shared<HttpResponse>();
    result->status = 0;
    router_.Handle(std::move(request),
                   [result](HttpResponse response) { *result = std::move(response); });
    return *result;
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SeededRandom random_{3};
  FakeSink sink_;
  std::unique_ptr<Intake> intake_;
  RefusalLog refusals_{&clock_};
  HttpRouter router_{
      intake_.get(), &refusals_, {{"/healthz", [] {
                                     return HttpResponse{200, "application/json", {}, "{}"};
                                   }}}};
};

IntakeConfig EveryFamily() {
  return {{"acogo",
           {{{"token", "acogo-token"}, {"source", "gateway-7"}, {"model", "acoGO! Pro"}},
            {{"token", "other"}}}},
          {"situator", {{{"token", "situator-token"}}}},
          {"panel",
           {{{"secret", "panel-secret"}, {"source", "panel-1"}},
            {{"secret", "second"}, {"source", "panel-2"}}}},
          {"json", {{{"token", "json-token"}, {"source", "box"}}}}};
}

class RouterTest : public testing::Test, protected RouterWorld {
 protected:
  RouterTest() : RouterWorld(EveryFamily()) {}
  void ExpectRefused(const HttpResponse& response, int status, absl::string_view text) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_THAT(response.body, HasSubstr(std::string(text)));
    EXPECT_TRUE(IsWellFormedJson(response.body, nullptr)) << response.body;
    EXPECT_THAT(sink_.events, IsEmpty());
    // Nobody is refused without a trace.
    ASSERT_THAT(refusals_.Recent(), testing::Not(IsEmpty()));
    const Refusal last = refusals_.Recent()[0];
    EXPECT_EQ(last.status, status);
    EXPECT_EQ(last.peer, "192.0.2.7");
    EXPECT_THAT(response.body, HasSubstr("\"" + last.reason + "\""));
    EXPECT_EQ(refusals_.total(), router_.Stats().refused_messages);
  }
};

TEST_F(RouterTest, AcogoBecomesAnEventOfItsDecodedQuery) {
  const auto response =
      Get("/in/acogo/f2_open?b=2&token=acogo-token&address=gate%201&a=%C5%82+x&q=%22&model=M");
  EXPECT_EQ(response.status, 200) << response.body;
  ASSERT_THAT(sink_.events, SizeIs(1));
  const Event& event = sink_.events[0];
  EXPECT_EQ(event.type, "acogo.f2_open");
  EXPECT_EQ(event.canonical_type, "output.triggered");
  EXPECT_EQ(event.source, "gateway-7");
  EXPECT_EQ(event.subject, "gate 1");
  EXPECT_EQ(event.data, R"({"b":"2","address":"gate 1","a":"ł x","q":"\"","model":"M"})");
  EXPECT_THAT(event.attributes,
              UnorderedElementsAre(Pair("origin", "gateway"), Pair("model", "M")));
  EXPECT_EQ(event.receive_time, clock_.Now());
  EXPECT_EQ(event.priority, 4);
  EXPECT_EQ(response.body, absl::StrCat("{\"accepted\":[{\"id\":\"", event.id, "\"}]}"));
}

TEST_F(RouterTest, AcogoTakesSourceAndSubjectFromWhereTheyAreKnown) {
  Get("/in/acogo/ez_open?token=acogo-token&gateway=g2&origin=panel");
  Get("/in/acogo/io_module_ring?token=other");
  ASSERT_THAT(sink_.events, SizeIs(2));
  EXPECT_EQ(sink_.events[0].source, "g2");
  EXPECT_EQ(sink_.events[0].subject, "ez");
  EXPECT_EQ(sink_.events[0].attributes["origin"], "panel");
  EXPECT_EQ(sink_.events[0].attributes["model"], "acoGO! Pro");
  EXPECT_EQ(sink_.events[1].source, "acogo");
  EXPECT_EQ(sink_.events[1].subject, "io_module");
  EXPECT_EQ(sink_.events[1].data, "{}");
}

TEST_F(RouterTest, AcogoRefusals) {
  ExpectRefused(Get("/in/acogo/ez_open"), 401, "TOKEN_INVALID");
  ExpectRefused(Get("/in/acogo/ez_open?token="), 401, "TOKEN_INVALID");
  ExpectRefused(Get("/in/acogo/ez_open?token=acogo-toke"), 401, "TOKEN_INVALID");
  ExpectRefused(Get("/in/acogo/ez_open?token=json-token"), 401, "TOKEN_INVALID");
  ExpectRefused(Get("/in/acogo/video_switch_with_address?token=other"), 400, "\"address\"");
  ExpectRefused(Get("/in/acogo/ez_open?token=other&x=%FF"), 400, "\"query\"");
  ExpectRefused(Get("/in/acogo/ez_open?token=other&x=%2"), 400, "\"query\"");
  ExpectRefused(Get("/in/acogo/close?token=other"), 404, "ROUTE_NOT_FOUND");
  const auto response = Post("/in/acogo/ez_open?token=other", "");
  ExpectRefused(response, 405, "METHOD_NOT_ALLOWED");
  EXPECT_THAT(response.headers, testing::Contains(HttpHeader{"Allow", "GET"}));
}

TEST_F(RouterTest, SituatorMembersEnterByteForByteAndTogether) {
  const std::string access =
      R"({"dateTime": "2019-02-15T17:21:48.1201-02:00","type":"access","serverId":1000,"doorId":1,)"
      R"("authorized":true,"duress":true,"direction":1,"openingType":15,"n":1.00,"n":2})";
  const std::string person = R"({"type":"person","subtype":3,"accountId":1,"personId":31})";
  const auto response =
      Post("/in/situator", absl::StrCat(R"({"name":"x","token":"situator-token","events":[ )",
                                        access, " ,\n", person, R"( ]})"));
  EXPECT_EQ(response.status, 200) << response.body;
  ASSERT_THAT(sink_.events, SizeIs(2));
  const Event& first = sink_.events[0];
  EXPECT_EQ(first.data, access);
  EXPECT_EQ(first.type, "situator.access");
  EXPECT_EQ(first.canonical_type, "duress.signaled");
  EXPECT_EQ(first.priority, 9);
  EXPECT_EQ(first.source, "situator.1000");
  EXPECT_EQ(first.subject, "door-1");
  EXPECT_EQ(first.attributes.at("opening_type"), "lpr");
  EXPECT_EQ(absl::FormatTime("%Y-%m-%dT%H:%M:%E*S", first.occur_time, absl::UTCTimeZone()),
            "2019-02-15T19:21:48.1201");
  const Event& second = sink_.events[1];
  EXPECT_EQ(second.data, person);
  EXPECT_EQ(second.canonical_type, "person.deleted");
  EXPECT_EQ(second.source, "situator");
  EXPECT_EQ(second.subject, "person-31");
  EXPECT_LT(first.id, second.id) << "ids keep the order";
}

TEST_F(RouterTest, SituatorTakesTypesItDoesNotKnow) {
  Post("/in/situator", R"({"token":"situator-token","events":[{"type":"brandNew"}]})");
  ASSERT_THAT(sink_.events, SizeIs(1));
  EXPECT_EQ(sink_.events[0].type, "situator.brandNew");
  EXPECT_EQ(sink_.events[0].canonical_type, "");
}

TEST_F(RouterTest, SituatorRefusesAllOrNothing) {
  const std::string good = R"({"type":"access"})";
  const auto envelope = [](absl::string_view events, absl::string_view token = "situator-token") {
    return absl::StrCat("{\"token\":\"", token, "\",\"events\":", events, "}");
  };
  ExpectRefused(Post("/in/situator", envelope("[]", "wrong")), 401, "TOKEN_INVALID");
  ExpectRefused(Post("/in/situator", "{\"events\":[]}"), 401, "TOKEN_INVALID");
  ExpectRefused(Post("/in/situator", envelope("[" + good)), 400, "JSON_INVALID");
  ExpectRefused(Post("/in/situator", envelope("[" + good + ",{}]")), 400, "events[1].type");
  ExpectRefused(Post("/in/situator", envelope("[" + good + ",7]")), 400, "events[1]");
  ExpectRefused(Post("/in/situator", envelope("[" + good + R"(,{"type":"a b"}])")), 400,
                "events[1].type");
  ExpectRefused(Post("/in/situator", envelope("{}")), 400, "\"events\"");
  ExpectRefused(Post("/in/situator", "[]"), 400, "\"body\"");
  const std::string long_one = R"({"type":"access","x":")" + std::string(262'144, 'x') + "\"}";
  ExpectRefused(Post("/in/situator", envelope("[" + good + "," + long_one + "]")), 413, "262144");
  std::string many = "[{\"type\":\"a\"}";
  for (int i = 0; i < 512; ++i) many += ",{\"type\":\"a\"}";
  ExpectRefused(Post("/in/situator", envelope(many + "]")), 400, "512");
  EXPECT_EQ(Post("/in/situator", envelope("[]")).body, "{\"accepted\":[]}");
}

std::string PanelBody(absl::string_view type, int64_t id = 77) {
  return absl::StrCat(R"({ "data": {"a": 1.00,"b":"\/"} ,"created_at":1745947873611,"event_id":)",
                      id, R"(,"event_type":")", type, "\"}");
}

TEST_F(RouterTest, PanelDataEntersByteForByte) {
  EXPECT_EQ(Panel(PanelBody("log.tamper_event")).status, 200);
  ASSERT_THAT(sink_.events, SizeIs(1));
  const Event& event = sink_.events[0];
  EXPECT_EQ(event.data, R"({"a": 1.00,"b":"\/"})");
  EXPECT_EQ(event.type, "log.tamper_event");
  EXPECT_EQ(event.canonical_type, "tamper.detected");
  EXPECT_EQ(event.priority, 8);
  EXPECT_EQ(event.source, "panel-1");
  EXPECT_EQ(event.occur_time, absl::FromUnixMillis(1745947873611));
  EXPECT_THAT(event.attributes,
              UnorderedElementsAre(Pair("event_id", "77"), Pair("created_at", "1745947873611")));
}

TEST_F(RouterTest, EveryTypeOfAPanelIsTaken) {
  int64_t id = 0;
  for (const CatalogueSystem& system : Systems()) {
    if (system.name != "panel") continue;
    for (const CatalogueType& type : system.types) {
      EXPECT_EQ(Panel(PanelBody(type.name, ++id)).status, 200) << type.name;
    }
  }
  EXPECT_THAT(sink_.events, SizeIs(41));
}

TEST_F(RouterTest, TheSecretTellsThePanel) {
  Panel(PanelBody("log.incoming_call"), "second");
  ASSERT_THAT(sink_.events, SizeIs(1));
  EXPECT_EQ(sink_.events[0].source, "panel-2");
}

TEST_F(RouterTest, PanelRefusals) {
  const std::string body = PanelBody("log.tamper_event");
  ExpectRefused(Post("/in/panel", body), 401, "X-Webhook-Signature");
  ExpectRefused(Panel(body, "wrong"), 401, "SIGNATURE_INVALID");
  ExpectRefused(Panel(body.substr(1)), 400, "JSON_INVALID");
  ExpectRefused(Panel(PanelBody("log.nonsense")), 400, "\"event_type\"");
  ExpectRefused(Panel(PanelBody("acogo.ez_open")), 400, "\"event_type\"");
  ExpectRefused(Panel(R"({"event_type":"log.tamper_event"})"), 400, "\"data\"");
  ExpectRefused(Panel(R"({"data":1,"event_id":"7","event_type":"log.tamper_event"})"), 400,
                "\"event_id\"");
}

TEST_F(RouterTest, APanelsResendIsAnsweredAndNotTakenAgain) {
  const std::string body = PanelBody("log.tamper_event");
  const auto first = Panel(body);
  const auto again = Panel(body);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_THAT(sink_.events, SizeIs(1));
  Panel(body, "second");  // another panel, which counts for itself
  EXPECT_THAT(sink_.events, SizeIs(2));
  EXPECT_EQ(intake_->Stats()[2].repeated_events, 1u);
}

TEST_F(RouterTest, AResendOfWhatIsNotDurableYetMustWait) {
  const std::string body = PanelBody("log.tamper_event");
  sink_.hold = true;
  EXPECT_EQ(Panel(body).status, 0);
  EXPECT_EQ(Panel(body).status, 503);
  sink_.held[0](absl::UnavailableError("the disk failed"));
  sink_.hold = false;
  EXPECT_EQ(Panel(body).status, 200) << "a failed one may come again";
}

TEST_F(RouterTest, WhatTheSpoolHoldsIsRemembered) {
  Event event;
  event.id = "held";
  event.type = "log.tamper_event";
  event.source = "panel-1";
  event.attributes = {{"event_id", "77"}, {"created_at", "1745947873611"}};
  intake_->Remember(event);
  EXPECT_EQ(Panel(PanelBody("log.tamper_event")).body, R"({"accepted":[{"id":"held"}]})");
  EXPECT_THAT(sink_.events, IsEmpty());
}

TEST_F(RouterTest, AnyJsonEntersAsItIs) {
  const auto response = Post(
      "/in/json?type=box.lid&canonical_type=door.forced&subject=lid&"
      "occur_time=2026-03-01T12:00:00.25Z",
      " {\"a\":1.00,\"a\":2}\n", {{"Authorization", "Bearer json-token"}});
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(Post("/in/json?type=acogo.ez_open&token=json-token&source=s&priority=0", "7").status,
            200);
  ASSERT_THAT(sink_.events, SizeIs(2));
  EXPECT_EQ(sink_.events[0].data, " {\"a\":1.00,\"a\":2}\n");
  EXPECT_EQ(sink_.events[0].canonical_type, "door.forced");
  EXPECT_EQ(sink_.events[0].priority, 8);
  EXPECT_EQ(sink_.events[0].source, "box");
  EXPECT_EQ(sink_.events[1].canonical_type, "door.opened");
  EXPECT_EQ(sink_.events[1].priority, 0);
  EXPECT_EQ(sink_.events[1].source, "s");
}

TEST_F(RouterTest, JsonRefusals) {
  ExpectRefused(Post("/in/json?type=a", "{}"), 401, "TOKEN_INVALID");
  ExpectRefused(Post("/in/json?token=json-token", "{}"), 400, "\"type\"");
  ExpectRefused(Post("/in/json?token=json-token&type=a", "{"), 400, "JSON_INVALID");
  ExpectRefused(Post("/in/json?token=json-token&type=a", ""), 400, "JSON_INVALID");
  ExpectRefused(Post("/in/json?token=json-token&type=a&typ=b", "{}"), 400, "\"typ\"");
  ExpectRefused(Post("/in/json?token=json-token&type=a..b", "{}"), 400, "event.type");
  ExpectRefused(Post("/in/json?token=json-token&type=a&priority=10", "{}"), 400, "event.priority");
  ExpectRefused(Post("/in/json?token=json-token&type=a&occur_time=today", "{}"), 400, "occur_time");
  ExpectRefused(Post("/in/json?token=json-token&type=a", "\"" + std::string(262'143, 'x') + "\""),
                413, "262144");
}

TEST_F(RouterTest, AFullSpoolIsSaidWithATimeToComeAgain) {
  sink_.status = absl::ResourceExhaustedError("the spool is full");
  const auto response = Get("/in/acogo/ez_open?token=other");
  ExpectRefused(response, 503, "OVERLOADED");
  EXPECT_THAT(response.headers, testing::Contains(HttpHeader{"Retry-After", "5"}));
  sink_.status = absl::UnavailableError("the disk failed");
  ExpectRefused(Get("/in/acogo/ez_open?token=other"), 503, "STORE_UNAVAILABLE");
}

TEST_F(RouterTest, PagesAreOpen) {
  EXPECT_EQ(Get("/healthz").body, "{}");
  EXPECT_EQ(Get("/healthz?x=1").body, "{}");
  EXPECT_EQ(refusals_.total(), 0u);
  EXPECT_EQ(router_.Stats().messages, 0u) << "a page is no message of a device";
  const auto response = Post("/healthz", "");
  ExpectRefused(response, 405, "METHOD_NOT_ALLOWED");
  EXPECT_THAT(response.headers, testing::Contains(HttpHeader{"Allow", "GET, HEAD"}));
  EXPECT_EQ(Get("/").status, 404);
}

// A device that called a wrong path left no trace, and nobody could tell why its events were not
// there.
TEST_F(RouterTest, AWrongPathIsCountedShownAndToldTheRightOne) {
  CapturedLog log;
  ExpectRefused(Get("/in/acogo/ez_opne?token=acogo-token&address=7"), 404,
                "\"nearest\":\"/in/acogo/ez_open\"");
  ExpectRefused(Post("/panel", "{}"), 404, "\"nearest\":\"/in/panel\"");
  ExpectRefused(Get("/favicon.ico"), 404, "ROUTE_NOT_FOUND");
  const auto recent = refusals_.Recent();
  ASSERT_THAT(recent, SizeIs(3));
  EXPECT_EQ(recent[2].path, "/in/acogo/ez_opne");
  EXPECT_EQ(recent[2].query, "token=***&address=***");
  EXPECT_EQ(recent[2].method, "GET");
  EXPECT_EQ(recent[2].nearest, "/in/acogo/ez_open");
  EXPECT_EQ(recent[0].nearest, "");
  ASSERT_THAT(log.lines(), SizeIs(3));
  EXPECT_EQ(log.lines()[0].Field("nearest"), "/in/acogo/ez_open");
  EXPECT_EQ(log.lines()[0].Field("peer"), "192.0.2.7");
}

TEST_F(RouterTest, RefusalsAreCountedByFamilyAndReason) {
  Get("/in/acogo/ez_open?token=wrong");
  Post("/in/acogo/ez_open?token=other", "");
  Panel(PanelBody("log.tamper_event"), "wrong");
  router_.OnFault({HttpFault::Kind::kMalformed, 0, "bad version", "192.0.2.9"});
  std::vector<std::string> counts;
  for (const RefusalCount& count : refusals_.Counts()) {
    counts.push_back(absl::StrCat(count.family, " ", count.reason, " ", count.count));
  }
  EXPECT_THAT(counts, UnorderedElementsAre("acogo TOKEN_INVALID 1", "acogo METHOD_NOT_ALLOWED 1",
                                           "panel SIGNATURE_INVALID 1", " HTTP_INVALID 1"));
  EXPECT_EQ(refusals_.Recent()[0].peer, "192.0.2.9");
  EXPECT_EQ(router_.Stats().messages, 4u);
}

TEST(RouterConfigTest, FamiliesWithoutCredentialsAreOff) {
  RouterWorld world({{"panel", {{{"allow_unsigned", "true"}, {"source", "open"}}}}});
  const auto off = world.Post("/in/json", "{}");
  EXPECT_EQ(off.status, 404);
  EXPECT_THAT(off.body, HasSubstr("there is no [intake.json]"));
  EXPECT_EQ(world.Post("/in/jsonx", "{}").status, 404);
  EXPECT_EQ(world.Post("/in/panel", PanelBody("log.tamper_event")).status, 200);
}

}  // namespace
}  // namespace latchwire::edge
