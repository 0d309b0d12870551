#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "latchwire/v1/delivery_service.grpc.pb.h"
#include "latchwire/v1/event_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "server/api/testing/test_server.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;

// Two webhooks, three events; outcomes are written as the engine would.
class DeliveryServiceTest : public ::testing::Test {
 protected:
  DeliveryServiceTest() {
    stub_ = server_.Stub<v1::DeliveryService>();
    for (int i = 0; i < 2; ++i) {
      KeyContext context(server_.admin());
      v1::CreateWebhookRequest request;
      request.mutable_webhook()->set_url("http://192.0.2.1/");
      EXPECT_TRUE(
          server_.Stub<v1::WebhookService>()->CreateWebhook(&context, request, &webhooks_[i]).ok());
    }
    for (int i = 1; i <= 3; ++i) {
      KeyContext context(server_.admin());
      v1::PublishEventRequest request;
      request.mutable_event()->set_id(absl::StrCat("e", i));
      request.mutable_event()->set_type("door.opened");
      request.mutable_event()->set_json("{}");
      v1::Event event;
      EXPECT_TRUE(server_.Stub<v1::EventService>()->PublishEvent(&context, request, &event).ok());
    }
    AcquireLeases leases;
    leases.owner = "test";
    leases.now = SystemClock()->Now();
    leases.duration = absl::Hours(1);
    fences_ = Write(leases).fences;
  }

  template <typename M>
  typename M::Result Write(M mutation) {
    std::promise<absl::StatusOr<typename M::Result>> done;
    server_.writer().Submit(std::move(mutation),
                            [&](Written<M> written) { done.set_value(std::move(written.result)); });
    auto result = done.get_future().get();
    EXPECT_TRUE(result.ok()) << result.status();
    return *std::move(result);
  }
  void Record(int64_t uid, int64_t number, DeliveryState state, int attempt, int http_status,
              std::string body = "") {
    DeliveryOutcome outcome;
    outcome.key = {{kDefaultTenant, uid}, number};
    outcome.state = state;
    outcome.due_time = SystemClock()->Now() + absl::Hours(1);
    outcome.failure_count = attempt;
    outcome.attempt.number = attempt;
    outcome.attempt.start_time = absl::FromUnixSeconds(1'700'000'000);
    outcome.attempt.duration = absl::Milliseconds(250);
    outcome.attempt.http_status = http_status;
    if (http_status == 0) {
      outcome.attempt.error = "TIMEOUT";
      outcome.attempt.error_detail = "no answer";
    }
    outcome.attempt.response_body = std::move(body);
    outcome.fence = fences_[static_cast<size_t>(PartitionOf(outcome.key.webhook))];
    RecordOutcomes record;
    record.outcomes.push_back(std::move(outcome));
    Write(std::move(record));
  }
  grpc::Status Get(const std::string& name, v1::Delivery* response) {
    KeyContext context(server_.admin());
    v1::GetDeliveryRequest request;
    request.set_name(name);
    return stub_->GetDelivery(&context, request, response);
  }
  grpc::Status Retry(const std::string& name, v1::Delivery* response) {
    KeyContext context(server_.admin());
    v1::RetryDeliveryRequest request;
    request.set_name(name);
    return stub_->RetryDelivery(&context, request, response);
  }
  // Names of all pages; an error's reason.
  std::vector<std::string> List(v1::ListDeliveriesRequest request) {
    std::vector<std::string> names;
    do {
      KeyContext context(server_.admin());
      v1::ListDeliveriesResponse page;
      const grpc::Status status = stub_->ListDeliveries(&context, request, &page);
      if (!status.ok()) return {ReasonOf(status)};
      for (const v1::Delivery& delivery : page.deliveries()) names.push_back(delivery.name());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }

  TestServer server_;
  std::unique_ptr<v1::DeliveryService::Stub> stub_;
  v1::Webhook webhooks_[2];
  std::array<int64_t, kPartitionCount> fences_{};
};

TEST_F(DeliveryServiceTest, ShowsADelivery) {
  v1::Delivery delivery;
  ASSERT_TRUE(Get("deliveries/1-2", &delivery).ok());
  EXPECT_EQ(delivery.name(), "deliveries/1-2");
  EXPECT_EQ(delivery.webhook(), webhooks_[0].name());
  EXPECT_EQ(delivery.event_id(), "e2");
  EXPECT_EQ(delivery.event_number(), 2);
  EXPECT_EQ(delivery.state(), v1::Delivery::STATE_PENDING);
  EXPECT_EQ(delivery.attempt_count(), 0);
  EXPECT_TRUE(delivery.has_next_attempt_time());
  EXPECT_THAT(delivery.message_id(), ::testing::StartsWith("e2."));

  Record(1, 2, DeliveryState::kSucceeded, 1, 204);
  ASSERT_TRUE(Get("deliveries/1-2", &delivery).ok());
  EXPECT_EQ(delivery.state(), v1::Delivery::STATE_SUCCEEDED);
  EXPECT_EQ(delivery.attempt_count(), 1);
  EXPECT_EQ(delivery.last_http_status(), 204);
  EXPECT_FALSE(delivery.has_next_attempt_time());
}

TEST_F(DeliveryServiceTest, NotFoundNamesWhatWasAskedFor) {
  v1::Delivery delivery;
  for (const char* name : {"deliveries/1-99", "deliveries/9-1", "deliveries/x", "deliveries/1-",
                           "deliveries/01-1", "deliveries/1-1-1", "deliveries/+1-1"}) {
    const grpc::Status status = Get(name, &delivery);
    EXPECT_EQ(ReasonOf(status), "DELIVERY_NOT_FOUND") << name;
    EXPECT_EQ(DetailsOf(status).info.metadata().at("name"), name);
    EXPECT_EQ(ReasonOf(Retry(name, &delivery)), "DELIVERY_NOT_FOUND") << name;
  }
  EXPECT_THAT(DetailsOf(Get("1-1", &delivery)).fields(), ElementsAre("name"));
}

TEST_F(DeliveryServiceTest, ListsByWebhookEventAndState) {
  Record(2, 1, DeliveryState::kDead, 1, 500);
  v1::ListDeliveriesRequest request;
  request.set_page_size(2);
  EXPECT_THAT(List(request), ElementsAre("deliveries/2-3", "deliveries/1-3", "deliveries/2-2",
                                         "deliveries/1-2", "deliveries/2-1", "deliveries/1-1"));
  request.set_webhook("webhooks/1");
  EXPECT_THAT(List(request), ElementsAre("deliveries/1-3", "deliveries/1-2", "deliveries/1-1"));
  request.set_webhook(webhooks_[1].name());
  request.set_state(v1::Delivery::STATE_DEAD);
  EXPECT_THAT(List(request), ElementsAre("deliveries/2-1"));
  request.Clear();
  request.set_event("events/e2");
  EXPECT_THAT(List(request), ElementsAre("deliveries/2-2", "deliveries/1-2"));
  request.set_event("events/2");
  EXPECT_THAT(List(request), ElementsAre("deliveries/2-2", "deliveries/1-2"));

  request.set_event("events/none");
  EXPECT_THAT(List(request), ElementsAre("EVENT_NOT_FOUND"));
  request.set_webhook("webhooks/9");
  EXPECT_THAT(List(request), ElementsAre("WEBHOOK_NOT_FOUND"));
  request.Clear();
  request.set_state(static_cast<v1::Delivery::State>(99));
  EXPECT_THAT(List(request), ElementsAre("FIELD_INVALID"));
  request.Clear();
  request.set_page_token("x");
  EXPECT_THAT(List(request), ElementsAre("PAGE_TOKEN_INVALID"));
}

TEST_F(DeliveryServiceTest, ListsAttemptsInPages) {
  for (int i = 1; i <= 3; ++i) Record(1, 1, DeliveryState::kPending, i, i == 2 ? 0 : 500, "body");
  v1::ListAttemptsRequest request;
  request.set_parent("deliveries/1-1");
  request.set_page_size(2);
  KeyContext first_context(server_.admin());
  v1::ListAttemptsResponse page;
  ASSERT_TRUE(stub_->ListAttempts(&first_context, request, &page).ok());
  ASSERT_EQ(page.attempts_size(), 2);
  EXPECT_EQ(page.attempts(0).number(), 1);
  EXPECT_EQ(page.attempts(0).http_status(), 500);
  EXPECT_EQ(page.attempts(0).response_body(), "body");
  EXPECT_EQ(page.attempts(0).start_time().seconds(), 1'700'000'000);
  EXPECT_EQ(page.attempts(0).duration().nanos(), 250'000'000);
  EXPECT_EQ(page.attempts(1).error(), "TIMEOUT");
  EXPECT_EQ(page.attempts(1).error_detail(), "no answer");
  request.set_page_token(page.next_page_token());
  KeyContext second_context(server_.admin());
  ASSERT_TRUE(stub_->ListAttempts(&second_context, request, &page).ok());
  ASSERT_EQ(page.attempts_size(), 1);
  EXPECT_EQ(page.attempts(0).number(), 3);
  EXPECT_EQ(page.next_page_token(), "");
  request.set_parent("deliveries/1-99");
  request.clear_page_token();
  KeyContext third_context(server_.admin());
  EXPECT_EQ(ReasonOf(stub_->ListAttempts(&third_context, request, &page)), "DELIVERY_NOT_FOUND");
}

TEST_F(DeliveryServiceTest, RetryMakesADeadOneDueAndRefusesASucceededOne) {
  Record(1, 1, DeliveryState::kDead, 1, 500);
  v1::Delivery delivery;
  ASSERT_TRUE(Retry("deliveries/1-1", &delivery).ok());
  EXPECT_EQ(delivery.state(), v1::Delivery::STATE_PENDING);
  EXPECT_EQ(delivery.event_id(), "e1");
  EXPECT_EQ(delivery.attempt_count(), 1);
  Record(1, 1, DeliveryState::kSucceeded, 2, 200);
  const grpc::Status status = Retry("deliveries/1-1", &delivery);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "DELIVERY_STATE");
  EXPECT_EQ(DetailsOf(status).info.metadata().count("state"), 1u);
}

TEST_F(DeliveryServiceTest, DeliveriesGoWithTheirWebhook) {
  KeyContext context(server_.admin());
  v1::DeleteWebhookRequest request;
  request.set_name("webhooks/1");
  google::protobuf::Empty response;
  ASSERT_TRUE(server_.Stub<v1::WebhookService>()->DeleteWebhook(&context, request, &response).ok());
  v1::Delivery delivery;
  EXPECT_EQ(ReasonOf(Get("deliveries/1-1", &delivery)), "DELIVERY_NOT_FOUND");
  v1::ListDeliveriesRequest list;
  list.set_event("events/1");
  EXPECT_THAT(List(list), ElementsAre("deliveries/2-1"));
}

// The read queue is full: an error and a time to retry, not a call that waits for ever.
TEST(ReadQueueTest, AFullQueueIsOverloaded) {
  TestServer server(TestServer::Stepping::kThread, 1);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::promise<void> busy[2];
  for (auto& started : busy) {
    while (!server.reads().Submit([&started, released](Store&) {
      started.set_value();
      released.wait();
    })) {
    }
  }
  for (auto& started : busy) started.get_future().wait();
  ASSERT_TRUE(server.reads().Submit([](Store&) {}));
  KeyContext context(server.admin());
  v1::GetEventRequest request;
  request.set_name("events/1");
  v1::Event event;
  const grpc::Status status = server.Stub<v1::EventService>()->GetEvent(&context, request, &event);
  release.set_value();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_TRUE(DetailsOf(status).retry.has_value());
}

}  // namespace
}  // namespace latchwire
