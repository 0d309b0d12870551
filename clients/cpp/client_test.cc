#include "latchwire/client/client.h"

#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/idempotency.h"
#include "clients/cpp/loopback.h"
#include "clients/cpp/retrier.h"
#include "core/base/id.h"
#include "core/base/testing/simulated_world.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "latchwire/client/error.h"
#include "latchwire/client/mock_connection.h"
#include "latchwire/client/verify.h"

namespace latchwire::client {
namespace {

using ::testing::ElementsAre;
using ::testing::InSequence;
using ::testing::Pair;
using ::testing::Return;

absl::Status Failure(grpc::StatusCode code, const std::string& reason, int retry_delay_s = 0) {
  google::rpc::Status rich;
  rich.set_code(code);
  google::rpc::ErrorInfo info;
  info.set_domain("latchwire.dev");
  info.set_reason(reason);
  (*info.mutable_metadata())["name"] = "x";
  rich.add_details()->PackFrom(info);
  if (retry_delay_s > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(retry_delay_s);
    rich.add_details()->PackFrom(retry);
  }
  return FromGrpcStatus(grpc::Status(code, "message", rich.SerializeAsString()));
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    RetryOptions options;
    options.clock = &clock_;
    options.random = &random_;
    options.sleep = [this](absl::Duration delay) {
      sleeps_.push_back(delay);
      clock_.AdvanceTo(clock_.Now() + delay);
    };
    client_ = std::make_unique<Client>(MakeRetryConnection(connection_, options));
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SeededRandom random_{1};
  std::vector<absl::Duration> sleeps_;
  std::shared_ptr<MockConnection> connection_ = std::make_shared<MockConnection>();
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, RetriedPublishKeepsItsIdAndItsBytes) {
  std::vector<std::string> ids;
  EXPECT_CALL(*connection_, PublishEvent)
      .Times(3)
      .WillRepeatedly([&](const v1::PublishEventRequest& request,
                          const CallOptions&) -> absl::StatusOr<v1::Event> {
        ids.push_back(request.event().id());
        if (ids.size() < 3) return absl::UnavailableError("connection lost");
        return request.event();
      });
  const auto event = client_->Publish("door.opened", R"({ "a":1.00 })");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->json(), R"({ "a":1.00 })");
  EXPECT_THAT(ids, ElementsAre(event->id(), event->id(), event->id()));
  EXPECT_TRUE(Uuid::Parse(event->id()).has_value());
  EXPECT_EQ(event->id()[14], '7');
}

TEST_F(ClientTest, WaitsAsLongAsTheServerAsks) {
  InSequence in_order;
  EXPECT_CALL(*connection_, PublishEvent)
      .WillOnce(Return(Failure(grpc::StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED", 7)));
  EXPECT_CALL(*connection_, PublishEvent).WillOnce(Return(v1::Event()));
  EXPECT_TRUE(client_->Publish("t", "{}").ok());
  ASSERT_EQ(sleeps_.size(), 1u);
  EXPECT_GE(sleeps_[0], absl::Seconds(7));
}

TEST_F(ClientTest, GivesUpWhenTheWaitIsLongerThanTheTimeout) {
  EXPECT_CALL(*connection_, PublishEvent)
      .WillOnce(Return(Failure(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN", 60)));
  const auto event = client_->Publish("t", "{}");
  EXPECT_EQ(DetailsOf(event.status()).reason, "SHUTTING_DOWN");
  EXPECT_EQ(DetailsOf(event.status()).retry_delay, absl::Seconds(60));
  EXPECT_TRUE(sleeps_.empty());
}

TEST_F(ClientTest, CallsThatMightBeDoneTwiceAreNotRetriedBlindly) {
  EXPECT_CALL(*connection_, SendTestEvent)
      .WillOnce(Return(absl::UnavailableError("connection lost")));
  EXPECT_TRUE(absl::IsUnavailable(client_->SendTestEvent("webhooks/1").status()));
}

TEST_F(ClientTest, CreateWhoseAnswerWasLostReturnsTheWebhookWithItsSecret) {
  v1::CreateWebhookRequest sent;
  InSequence in_order;
  EXPECT_CALL(*connection_, CreateWebhook)
      .WillOnce(Return(absl::UnavailableError("connection lost")));
  EXPECT_CALL(*connection_, CreateWebhook)
      .WillOnce([&](const v1::CreateWebhookRequest& request,
                    const CallOptions&) -> absl::StatusOr<v1::Webhook> {
        sent = request;
        return Failure(grpc::StatusCode::ALREADY_EXISTS, "WEBHOOK_ALREADY_EXISTS");
      });
  EXPECT_CALL(*connection_, GetWebhook)
      .WillOnce([](const v1::GetWebhookRequest& request, const CallOptions&) {
        v1::Webhook webhook;
        webhook.set_name(request.name());
        return webhook;
      });
  const auto webhook = client_->CreateWebhook("https://example.com/", {"door.*"});
  ASSERT_TRUE(webhook.ok()) << webhook.status();
  EXPECT_EQ(webhook->name(), "webhooks/" + sent.webhook_id());
  EXPECT_EQ(webhook->secret(), sent.webhook().secret());
  EXPECT_TRUE(absl::StartsWith(webhook->secret(), "whsec_"));
  EXPECT_EQ(sent.webhook().any_of(0).type_pattern(), "door.*");
}

TEST_F(ClientTest, FailuresSayWhy) {
  EXPECT_CALL(*connection_, GetWebhook)
      .WillOnce(Return(Failure(grpc::StatusCode::NOT_FOUND, "WEBHOOK_NOT_FOUND")));
  const absl::Status status = client_->GetWebhook("webhooks/9").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(DetailsOf(status).reason, "WEBHOOK_NOT_FOUND");
  EXPECT_THAT(DetailsOf(status).metadata, ElementsAre(Pair("name", "x")));
}

TEST_F(ClientTest, ListsGoOnThroughEmptyPages) {
  EXPECT_CALL(*connection_, ListDeliveries)
      .WillRepeatedly([](const v1::ListDeliveriesRequest& request, const CallOptions&) {
        v1::ListDeliveriesResponse response;
        if (request.page_token().empty()) {
          response.add_deliveries()->set_name("a");
          response.set_next_page_token("1");
        } else if (request.page_token() == "1") {
          response.set_next_page_token("2");
        } else {
          response.add_deliveries()->set_name("b");
        }
        return response;
      });
  const auto all = client_->ListDeliveries({});
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[1].name(), "b");
  EXPECT_EQ(client_->ListDeliveries({}, 1)->size(), 1u);
}

TEST_F(ClientTest, EachTryGetsTheTimeThatIsLeft) {
  std::vector<absl::Duration> left;
  EXPECT_CALL(*connection_, GetWebhook)
      .WillRepeatedly([&](const v1::GetWebhookRequest&,
                          const CallOptions& options) -> absl::StatusOr<v1::Webhook> {
        left.push_back(options.timeout.value());
        clock_.AdvanceTo(clock_.Now() + absl::Seconds(4));
        return absl::UnavailableError("connection lost");
      });
  CallOptions options;
  options.timeout = absl::Seconds(10);
  EXPECT_TRUE(absl::IsUnavailable(client_->GetWebhook("webhooks/1", options).status()));
  ASSERT_EQ(left.size(), 3u);
  EXPECT_EQ(left[0], absl::Seconds(10));
  EXPECT_EQ(left[1], absl::Seconds(6) - sleeps_[0]);
  EXPECT_EQ(left[2], absl::Seconds(2) - sleeps_[0] - sleeps_[1]);
}

TEST_F(ClientTest, EveryEventOfABatchGetsAnId) {
  v1::BatchPublishEventsRequest sent;
  EXPECT_CALL(*connection_, BatchPublishEvents)
      .WillOnce([&](const v1::BatchPublishEventsRequest& request, const CallOptions&) {
        sent = request;
        v1::BatchPublishEventsResponse response;
        *response.mutable_events() = request.events();
        return response;
      });
  std::vector<v1::Event> events(2);
  events[0].set_id("mine");
  const auto stored = client_->PublishBatch(events);
  ASSERT_TRUE(stored.ok());
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ((*stored)[0].id(), "mine");
  EXPECT_TRUE(Uuid::Parse((*stored)[1].id()).has_value());
  EXPECT_TRUE(IsIdempotent(sent));
}

TEST_F(ClientTest, AnUpdateNamesItsFields) {
  v1::UpdateWebhookRequest sent;
  EXPECT_CALL(*connection_, UpdateWebhook)
      .WillOnce([&](const v1::UpdateWebhookRequest& request, const CallOptions&) {
        sent = request;
        return request.webhook();
      });
  v1::Webhook webhook;
  webhook.set_name("webhooks/1");
  EXPECT_TRUE(client_->UpdateWebhook(webhook, {"url", "display_name"}).ok());
  EXPECT_THAT(sent.update_mask().paths(), ElementsAre("url", "display_name"));
  EXPECT_TRUE(absl::IsInvalidArgument(
      client_->UpdateWebhook(webhook, std::vector<std::string>()).status()));
}

TEST_F(ClientTest, OnlyStandardWebhooksSecretsAreChosenHere) {
  v1::CreateWebhookRequest request;
  request.mutable_webhook()->set_format(static_cast<v1::Webhook::Format>(999));
  EXPECT_CALL(*connection_, CreateWebhook)
      .WillOnce(
          [&](const v1::CreateWebhookRequest& sent, const CallOptions&) { return sent.webhook(); });
  EXPECT_EQ(client_->CreateWebhook(request)->secret(), "");
}

TEST(Idempotency, IdsMakeItSoAndEtagsDoNot) {
  v1::CreateWebhookRequest create;
  EXPECT_FALSE(IsIdempotent(create));
  create.set_webhook_id("x");
  EXPECT_TRUE(IsIdempotent(create));
  v1::BatchPublishEventsRequest batch;
  batch.add_events()->set_id("x");
  EXPECT_TRUE(IsIdempotent(batch));
  batch.add_events();
  EXPECT_FALSE(IsIdempotent(batch));
  v1::UpdateTenantRequest update;
  EXPECT_TRUE(IsIdempotent(update));
  update.mutable_tenant()->set_etag("x");
  EXPECT_FALSE(IsIdempotent(update));
}

TEST(Error, DetailsOfATestsOwnFailureAreFound) {
  ErrorDetails details;
  details.reason = ReasonName(v1::ERROR_REASON_QUEUE_FULL);
  details.metadata = {{"limit", "7"}};
  details.field_violations = {{"webhook.url", "is empty"}};
  details.retry_delay = absl::Milliseconds(1500);
  const ErrorDetails found = DetailsOf(WithDetails(absl::ResourceExhaustedError("x"), details));
  EXPECT_EQ(found.reason, "QUEUE_FULL");
  EXPECT_EQ(found.metadata, details.metadata);
  EXPECT_EQ(found.field_violations, details.field_violations);
  EXPECT_EQ(found.retry_delay, details.retry_delay);
  EXPECT_TRUE(DetailsOf(WithDetails(absl::InternalError("x"), {})).reason.empty());
}

// One text where a list is meant does not compile, and never becomes a pattern for each letter.
static_assert(!std::is_convertible_v<const char*, std::vector<std::string>>);
static_assert(!std::is_convertible_v<std::string, std::vector<std::string>>);
static_assert(!std::is_convertible_v<std::string, verify::Secrets>);

TEST(Connection, PlainTextIsForLoopbackOnly) {
  EXPECT_TRUE(IsLoopbackAddress("127.0.0.1:1"));
  EXPECT_TRUE(IsLoopbackAddress("[::1]:1"));
  EXPECT_TRUE(IsLoopbackAddress("localhost:1"));
  EXPECT_FALSE(IsLoopbackAddress("10.0.0.1:1"));
  EXPECT_FALSE(IsLoopbackAddress("localhost.example.com:443"));
  EXPECT_FALSE(IsLoopbackAddress("127.0.0.1.example.com:443"));
}

}  // namespace
}  // namespace latchwire::client
