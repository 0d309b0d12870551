#include "clients/cpp/client.h"

#include <utility>

#include "absl/strings/match.h"
#include "clients/cpp/error.h"
#include "core/base/id.h"
#include "core/base/testing/simulated_world.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::InSequence;
using ::testing::Pair;
using ::testing::Return;

class MockConnection : public Connection {
 public:
  MOCK_METHOD(absl::StatusOr<v1::Webhook>, CreateWebhook, (const v1::CreateWebhookRequest&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Webhook>, GetWebhook, (const v1::GetWebhookRequest&), (override));
  MOCK_METHOD(absl::Status, DeleteWebhook, (const v1::DeleteWebhookRequest&), (override));
  MOCK_METHOD(absl::StatusOr<v1::SendTestEventResponse>, SendTestEvent,
              (const v1::SendTestEventRequest&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Event>, PublishEvent, (const v1::PublishEventRequest&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListDeliveriesResponse>, ListDeliveries,
              (const v1::ListDeliveriesRequest&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListAttemptsResponse>, ListAttempts,
              (const v1::ListAttemptsRequest&), (override));
};

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

TEST_F(ClientTest, RepeatedPublishKeepsItsIdAndItsBytes) {
  std::vector<std::string> ids;
  EXPECT_CALL(*connection_, PublishEvent(_))
      .Times(3)
      .WillRepeatedly([&](const v1::PublishEventRequest& request) -> absl::StatusOr<v1::Event> {
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
  EXPECT_CALL(*connection_, PublishEvent(_))
      .WillOnce(Return(Failure(grpc::StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED", 7)));
  EXPECT_CALL(*connection_, PublishEvent(_)).WillOnce(Return(v1::Event()));
  EXPECT_TRUE(client_->Publish("t", "{}").ok());
  ASSERT_EQ(sleeps_.size(), 1u);
  EXPECT_GE(sleeps_[0], absl::Seconds(7));
}

TEST_F(ClientTest, GivesUpWhenTheWaitIsLongerThanTheTimeout) {
  EXPECT_CALL(*connection_, PublishEvent(_))
      .WillOnce(Return(Failure(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN", 60)));
  const auto event = client_->Publish("t", "{}");
  EXPECT_EQ(DetailsOf(event.status()).reason, "SHUTTING_DOWN");
  EXPECT_EQ(DetailsOf(event.status()).retry_delay, absl::Seconds(60));
  EXPECT_TRUE(sleeps_.empty());
}

TEST_F(ClientTest, CallsThatMightBeDoneTwiceAreNotRepeatedBlindly) {
  EXPECT_CALL(*connection_, SendTestEvent(_))
      .WillOnce(Return(absl::UnavailableError("connection lost")));
  EXPECT_TRUE(absl::IsUnavailable(client_->SendTestEvent("webhooks/1").status()));
}

TEST_F(ClientTest, CreateWhoseAnswerWasLostReturnsTheWebhookWithItsSecret) {
  v1::CreateWebhookRequest sent;
  InSequence in_order;
  EXPECT_CALL(*connection_, CreateWebhook(_))
      .WillOnce(Return(absl::UnavailableError("connection lost")));
  EXPECT_CALL(*connection_, CreateWebhook(_))
      .WillOnce([&](const v1::CreateWebhookRequest& request) -> absl::StatusOr<v1::Webhook> {
        sent = request;
        return Failure(grpc::StatusCode::ALREADY_EXISTS, "WEBHOOK_ALREADY_EXISTS");
      });
  EXPECT_CALL(*connection_, GetWebhook(_)).WillOnce([](const v1::GetWebhookRequest& request) {
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
  EXPECT_CALL(*connection_, GetWebhook(_))
      .WillOnce(Return(Failure(grpc::StatusCode::NOT_FOUND, "WEBHOOK_NOT_FOUND")));
  const absl::Status status = client_->GetWebhook("webhooks/9").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(DetailsOf(status).reason, "WEBHOOK_NOT_FOUND");
  EXPECT_THAT(DetailsOf(status).metadata, ElementsAre(Pair("name", "x")));
}

TEST_F(ClientTest, ListsGoOnThroughEmptyPages) {
  EXPECT_CALL(*connection_, ListDeliveries(_))
      .WillRepeatedly([](const v1::ListDeliveriesRequest& request) {
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

TEST(Connection, PlainTextIsForLoopbackOnly) {
  EXPECT_TRUE(IsLoopbackAddress("127.0.0.1:1"));
  EXPECT_TRUE(IsLoopbackAddress("[::1]:1"));
  EXPECT_TRUE(IsLoopbackAddress("localhost:1"));
  EXPECT_FALSE(IsLoopbackAddress("10.0.0.1:1"));
  EXPECT_FALSE(IsLoopbackAddress("localhost.example.com:443"));
  EXPECT_FALSE(IsLoopbackAddress("127.0.0.1.example.com:443"));
}

}  // namespace
}  // namespace latchwire
