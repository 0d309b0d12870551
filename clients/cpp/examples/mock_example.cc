// How a program that uses the client is tested without a server.
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "latchwire/client/client.h"
#include "latchwire/client/error.h"
#include "latchwire/client/mock_connection.h"

namespace {

using ::latchwire::client::Client;
using ::latchwire::client::MockConnection;
using ::latchwire::client::ReasonName;

// The program under test.
absl::StatusOr<bool> IsDelivering(const Client& client, absl::string_view webhook) {
  const auto found = client.GetWebhook(webhook);
  if (found.ok()) return found->state() == latchwire::v1::Webhook::STATE_ACTIVE;
  const std::string reason = latchwire::client::DetailsOf(found.status()).reason;
  if (reason == ReasonName(latchwire::v1::ERROR_REASON_WEBHOOK_NOT_FOUND)) return false;
  return found.status();
}

TEST(IsDeliveringTest, AnActiveWebhookIs) {
  auto connection = std::make_shared<MockConnection>();
  latchwire::v1::Webhook webhook;
  webhook.set_state(latchwire::v1::Webhook::STATE_ACTIVE);
  EXPECT_CALL(*connection, GetWebhook).WillOnce(::testing::Return(webhook));
  EXPECT_EQ(IsDelivering(Client(connection), "webhooks/1").value(), true);
}

TEST(IsDeliveringTest, OneThatIsGoneIsNot) {
  auto connection = std::make_shared<MockConnection>();
  latchwire::client::ErrorDetails details;
  details.reason = ReasonName(latchwire::v1::ERROR_REASON_WEBHOOK_NOT_FOUND);
  EXPECT_CALL(*connection, GetWebhook)
      .WillOnce(::testing::Return(
          latchwire::client::WithDetails(absl::NotFoundError("no such webhook"), details)));
  EXPECT_EQ(IsDelivering(Client(connection), "webhooks/1").value(), false);
}

}  // namespace
