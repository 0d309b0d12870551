#include <gmock/gmock.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "latchwire/v1/event_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/append.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EventServiceTest : public ::testing::Test {
 protected:
  static v1::Event MakeEvent(const std::string& id, const std::string& json = "{}") {
    v1::Event event;
    event.set_id(id);
    event.set_type("door.opened");
    event.set_json(json);
    return event;
  }
  grpc::Status Publish(const v1::Event& event, v1::Event* response) {
    KeyContext context(server_.admin());
    v1::PublishEventRequest request;
    *request.mutable_event() = event;
    return server_.Stub<v1::EventService>()->PublishEvent(&context, request, response);
  }
  grpc::Status Batch(const std::vector<v1::Event>& events,
                     v1::BatchPublishEventsResponse* response) {
    KeyContext context(server_.admin());
    v1::BatchPublishEventsRequest request;
    for (const v1::Event& event : events) *request.add_events() = event;
    return server_.Stub<v1::EventService>()->BatchPublishEvents(&context, request, response);
  }
  grpc::Status Get(const std::string& name, v1::Event* response) {
    KeyContext context(server_.admin());
    v1::GetEventRequest request;
    request.set_name(name);
    return server_.Stub<v1::EventService>()->GetEvent(&context, request, response);
  }
  v1::ListEventsResponse List(const v1::ListEventsRequest& request) {
    KeyContext context(server_.admin());
    v1::ListEventsResponse response;
    const auto status = server_.Stub<v1::EventService>()->ListEvents(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  TestServer server_;
};

TEST_F(EventServiceTest, FillsInWhatWasLeftOutAndKeepsTheBytes) {
  v1::Event event = MakeEvent("", "{ \"a\" : 1.00,\"a\":\"\\u0141\" }");
  event.set_name("events/ignored");
  event.set_number(77);
  event.mutable_receive_time()->set_seconds(5);
  v1::Event stored;
  ASSERT_TRUE(Publish(event, &stored).ok());
  EXPECT_TRUE(Uuid::Parse(stored.id()).has_value());
  EXPECT_EQ(stored.id()[14], '7');
  EXPECT_EQ(stored.name(), "events/" + stored.id());
  EXPECT_EQ(stored.number(), 1);
  EXPECT_EQ(stored.priority(), 4);
  EXPECT_EQ(stored.json(), event.json());
  EXPECT_EQ(stored.content_type(), "application/json");
  EXPECT_GT(stored.receive_time().seconds(), 1'000'000'000);
  EXPECT_EQ(stored.occur_time().seconds(), stored.receive_time().seconds());

  v1::Event read;
  ASSERT_TRUE(Get(stored.name(), &read).ok());
  EXPECT_EQ(read.SerializeAsString(), stored.SerializeAsString());
  ASSERT_TRUE(Get("events/1", &read).ok());
  EXPECT_EQ(read.id(), stored.id());
}

TEST_F(EventServiceTest, KeepsWhatWasGiven) {
  v1::Event event = MakeEvent("door-7");
  event.clear_json();
  event.set_binary(std::string("\x00\xff", 2));
  event.set_canonical_type("door.opened");
  event.set_source("panel-1");
  event.set_subject("door-1");
  (*event.mutable_attributes())["origin"] = "gateway";
  event.mutable_occur_time()->set_seconds(1'600'000'000);
  event.mutable_occur_time()->set_nanos(123'456'789);
  event.mutable_expire_time()->set_seconds(4'000'000'000);
  event.set_priority(0);
  v1::Event stored;
  ASSERT_TRUE(Publish(event, &stored).ok());
  EXPECT_EQ(stored.binary(), event.binary());
  EXPECT_EQ(stored.content_type(), "application/octet-stream");
  EXPECT_EQ(stored.attributes().at("origin"), "gateway");
  EXPECT_EQ(stored.occur_time().nanos(), 123'456'000);  // times are kept to the microsecond
  EXPECT_EQ(stored.expire_time().seconds(), 4'000'000'000);
  EXPECT_EQ(stored.priority(), 0);
}

TEST_F(EventServiceTest, PublishingAgainReturnsTheStoredEvent) {
  v1::Event first, second, other;
  ASSERT_TRUE(Publish(MakeEvent("e1", "{\"a\":1}"), &first).ok());
  ASSERT_TRUE(Publish(MakeEvent("e2"), &other).ok());
  ASSERT_TRUE(Publish(MakeEvent("e1", "{\"a\":1}"), &second).ok());
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());

  const grpc::Status conflict = Publish(MakeEvent("e1", "{\"a\": 1}"), &second);
  EXPECT_EQ(conflict.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(DetailsOf(conflict).info.reason(), "EVENT_ID_CONFLICT");
  EXPECT_EQ(DetailsOf(conflict).info.metadata().at("event"), "e1");
}

TEST_F(EventServiceTest, NamesAllInvalidFieldsAtOnce) {
  v1::Event event;
  event.set_id("123");
  event.set_type("a..b");
  event.set_priority(10);
  event.set_json("{\"a\":01}");
  event.mutable_occur_time()->set_nanos(-1);
  v1::Event stored;
  const grpc::Status status = Publish(event, &stored);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(DetailsOf(status).fields(),
              ::testing::UnorderedElementsAre("event.id", "event.type", "event.priority",
                                              "event.json", "event.occur_time"));

  KeyContext context(server_.admin());
  EXPECT_THAT(DetailsOf(server_.Stub<v1::EventService>()->PublishEvent(
                            &context, v1::PublishEventRequest(), &stored))
                  .fields(),
              ElementsAre("event"));
  event = MakeEvent("x");
  event.clear_json();
  EXPECT_THAT(DetailsOf(Publish(event, &stored)).fields(), ElementsAre("event.data"));
}

TEST_F(EventServiceTest, LimitsHaveTheirOwnErrors) {
  v1::Event stored;
  const std::string fits = "\"" + std::string(256 * 1024 - 2, 'x') + "\"";
  EXPECT_TRUE(Publish(MakeEvent("fits", fits), &stored).ok());
  const grpc::Status large = Publish(MakeEvent("large", fits + " "), &stored);
  EXPECT_THAT(DetailsOf(large).fields(), ElementsAre("event.json"));
  EXPECT_THAT(large.error_message(), HasSubstr("262144"));
  // Far beyond, still our own error and not gRPC's.
  const grpc::Status huge = Publish(MakeEvent("huge", std::string(3 << 20, ' ')), &stored);
  EXPECT_EQ(ReasonOf(huge), "FIELD_INVALID");

  v1::BatchPublishEventsResponse response;
  EXPECT_THAT(DetailsOf(Batch({}, &response)).fields(), ElementsAre("events"));
  const grpc::Status many = Batch(std::vector<v1::Event>(513, MakeEvent("")), &response);
  EXPECT_THAT(many.error_message(), HasSubstr("512"));
  const grpc::Status heavy = Batch(
      std::vector<v1::Event>(5, MakeEvent("", "\"" + std::string(220'000, 'x') + "\"")), &response);
  EXPECT_THAT(heavy.error_message(), HasSubstr("1048576"));
}

TEST_F(EventServiceTest, ABatchIsAllOrNone) {
  v1::BatchPublishEventsResponse response;
  v1::Event bad = MakeEvent("b2");
  bad.set_type("");
  const grpc::Status status = Batch({MakeEvent("b1"), bad, MakeEvent("!")}, &response);
  EXPECT_THAT(DetailsOf(status).fields(), ElementsAre("events[1].type", "events[2].id"));
  v1::Event read;
  EXPECT_EQ(ReasonOf(Get("events/b1", &read)), "EVENT_NOT_FOUND");

  ASSERT_TRUE(Publish(MakeEvent("old", "[1]"), &read).ok());
  EXPECT_EQ(ReasonOf(Batch({MakeEvent("b1"), MakeEvent("old", "[2]")}, &response)),
            "EVENT_ID_CONFLICT");
  EXPECT_EQ(ReasonOf(Get("events/b1", &read)), "EVENT_NOT_FOUND");

  ASSERT_TRUE(Batch({MakeEvent("b1"), MakeEvent("old", "[1]"), MakeEvent("")}, &response).ok());
  ASSERT_EQ(response.events_size(), 3);
  EXPECT_EQ(response.events(0).number(), 2);
  EXPECT_EQ(response.events(1).number(), 1);
  EXPECT_EQ(response.events(1).id(), "old");
  EXPECT_EQ(response.events(2).number(), 3);
  for (const v1::Event& event : response.events()) {
    EXPECT_EQ(event.data_case(), v1::Event::DATA_NOT_SET);
    EXPECT_EQ(event.content_type(), "application/json");
  }
}

TEST_F(EventServiceTest, NotFoundNamesWhatWasAskedFor) {
  v1::Event read;
  for (const char* name : {"events/none", "events/99", "events/0", "events/99999999999999999999"}) {
    const grpc::Status status = Get(name, &read);
    EXPECT_EQ(ReasonOf(status), "EVENT_NOT_FOUND") << name;
    EXPECT_EQ(DetailsOf(status).info.metadata().at("name"), name);
  }
  EXPECT_THAT(DetailsOf(Get("event/1", &read)).fields(), ElementsAre("name"));
}

TEST_F(EventServiceTest, ListsNewestFirstInPagesThatFit) {
  v1::Event stored;
  for (int i = 1; i <= 45; ++i) {
    v1::Event event = MakeEvent(absl::StrCat("e", i));
    event.set_source(i % 2 == 0 ? "even" : "odd");
    ASSERT_TRUE(Publish(event, &stored).ok());
  }
  v1::ListEventsRequest request;
  request.set_page_size(20);
  std::vector<int64_t> numbers;
  int pages = 0;
  do {
    const v1::ListEventsResponse page = List(request);
    for (const v1::Event& event : page.events()) numbers.push_back(event.number());
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_GE(pages, 3);
  ASSERT_EQ(numbers.size(), 45u);
  for (int i = 0; i < 45; ++i) EXPECT_EQ(numbers[static_cast<size_t>(i)], 45 - i);

  v1::ListEventsRequest odd;
  odd.set_source("odd");
  odd.set_page_size(1000);
  EXPECT_EQ(List(odd).events_size(), 23);
}

TEST_F(EventServiceTest, APageOfLargeEventsStaysBelowWhatClientsTake) {
  const std::string large = "\"" + std::string(250'000, 'x') + "\"";
  v1::Event stored;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Publish(MakeEvent("", large), &stored).ok());
  v1::ListEventsRequest request;
  request.set_page_size(1000);
  int64_t expected = 20;
  do {
    const v1::ListEventsResponse page = List(request);
    EXPECT_LT(page.ByteSizeLong(), 3u << 20);
    EXPECT_GT(page.events_size(), 0);
    for (const v1::Event& event : page.events()) EXPECT_EQ(event.number(), expected--);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(expected, 0);
}

TEST_F(EventServiceTest, PageTokensAreBoundToTheirArguments) {
  v1::Event stored;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Publish(MakeEvent(""), &stored).ok());
  v1::ListEventsRequest request;
  request.set_page_size(1);
  request.set_page_token(List(request).next_page_token());
  ASSERT_FALSE(request.page_token().empty());
  request.set_page_size(2);  // may change
  EXPECT_EQ(List(request).events_size(), 2);
  request.set_type("other");
  KeyContext context(server_.admin());
  v1::ListEventsResponse response;
  EXPECT_EQ(ReasonOf(server_.Stub<v1::EventService>()->ListEvents(&context, request, &response)),
            "PAGE_TOKEN_INVALID");
}

TEST_F(EventServiceTest, AStoreThatCannotWriteIsUnavailable) {
  server_.database().FailWrites(1, "disk full");
  v1::Event stored;
  const grpc::Status status = Publish(MakeEvent("e1"), &stored);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "STORE_UNAVAILABLE");
  EXPECT_TRUE(Publish(MakeEvent("e1"), &stored).ok());
}

// A webhook that is created between matching and commit still gets the event.
TEST(EventServiceRematchTest, AStaleMatchIsMadeAgain) {
  TestServer server(TestServer::Stepping::kByTest);
  Webhook webhook;
  webhook.key.tenant = kDefaultTenant;
  webhook.id = "0190a6b2-7c3d-7abc-8def-0123456789ab";
  webhook.url = "http://192.0.2.1/";
  grpc::Status status;
  v1::Event stored;
  // Queued first, and yet not in the configuration when the event is matched.
  server.writer().Submit(latchwire::CreateWebhook{webhook}, [](const auto&) {});
  const size_t queued = server.writer().queued_bytes();
  std::thread client([&] {
    KeyContext context(server.admin());
    v1::PublishEventRequest request;
    request.mutable_event()->set_type("a");
    request.mutable_event()->set_json("{}");
    status = server.Stub<v1::EventService>()->PublishEvent(&context, request, &stored);
  });
  while (server.writer().queued_bytes() == queued) std::this_thread::yield();
  server.Step();  // both in one transaction: the event comes back stale
  server.Step();  // and again, matched anew
  client.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto delivery = server.store().GetDelivery({{kDefaultTenant, 1}, stored.number()});
  EXPECT_TRUE(delivery.ok()) << delivery.status();
}

TEST(ExpiryTest, TheEarlierOfTheEventsOwnAndTheWebhooksAge) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  Event event;
  event.receive_time = now - absl::Minutes(10);
  Webhook webhook;
  EXPECT_EQ(ExpiryOf(event, webhook, now), absl::InfiniteFuture());
  event.expire_time = now + absl::Hours(1);
  EXPECT_EQ(ExpiryOf(event, webhook, now), event.expire_time);
  webhook.max_event_age = absl::Minutes(30);
  EXPECT_EQ(ExpiryOf(event, webhook, now), now + absl::Minutes(20));
  webhook.max_event_age = absl::Hours(30);
  EXPECT_EQ(ExpiryOf(event, webhook, now), event.expire_time);
}

TEST(ExpiryTest, AnAgentsClockThatWasNeverSetDoesNotExpireItsEvents) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  Webhook webhook;
  webhook.max_event_age = absl::Minutes(30);
  Event event;
  for (const absl::Time time : {absl::UnixEpoch() + absl::Seconds(9), now + absl::Hours(5)}) {
    event.receive_time = time;
    EXPECT_EQ(ExpiryOf(event, webhook, now), now + absl::Minutes(30)) << time;
  }
}

}  // namespace
}  // namespace latchwire
