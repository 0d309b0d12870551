#include "server/delivery/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/delivery/testing/delivery_world.h"

namespace latchwire {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr absl::Duration kLong = absl::Hours(2);

std::vector<std::string> Bodies(const FakeTransport& transport) {
  std::vector<std::string> data;
  for (const HttpRequest& request : transport.requests()) {
    const size_t begin = request.body.find("\"data\":") + 7;
    data.push_back(request.body.substr(begin, request.body.size() - begin - 1));
  }
  return data;
}

TEST(EngineTest, DeliversWhatIsPublishedAndRecordsTheAttempt) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook({});
  const int64_t number = world.Publish(TestEvent("door-1", 7));
  world.executor().RunFor(absl::Seconds(1));

  EXPECT_THAT(Bodies(world.transport()), ElementsAre(R"({"n":7})"));
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded);
  const std::vector<Attempt> attempts = world.ListAttempts(1, number);
  ASSERT_THAT(attempts, SizeIs(1));
  EXPECT_EQ(attempts[0].number, 1);
  EXPECT_EQ(attempts[0].http_status, 200);
}

TEST(EngineTest, DoesNotDeliverWhatDoesNotMatch) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.any_of = {{"door.closed", "", ""}};
  world.CreateWebhook(webhook);
  world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(kLong);
  EXPECT_TRUE(world.transport().requests().empty());
}

TEST(EngineTest, RetriesBySchedulesAndListsEveryAttempt) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.retry_policy.delays = {absl::Seconds(5), absl::Minutes(5)};
  world.CreateWebhook(webhook);
  world.transport().QueueReply(FakeTransport::Status(500, absl::ZeroDuration(), "broken"));
  world.transport().QueueReply(FakeTransport::Error(TransportError::kTimeout, "too slow"));
  const int64_t number = world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(kLong);

  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded);
  const std::vector<Attempt> attempts = world.ListAttempts(1, number);
  ASSERT_THAT(attempts, SizeIs(3));
  EXPECT_EQ(attempts[0].http_status, 500);
  EXPECT_EQ(attempts[0].response_body, "broken");
  EXPECT_EQ(attempts[1].error, "TIMEOUT");
  EXPECT_EQ(attempts[2].http_status, 200);
  EXPECT_GE(attempts[1].start_time - attempts[0].start_time, absl::Seconds(4.5));
  EXPECT_GE(attempts[2].start_time - attempts[1].start_time, absl::Minutes(4.5));
}

TEST(EngineTest, EveryAttemptCarriesTheSameMessageId) {
  DeliveryWorld world;
  world.CreateWebhook({});
  world.transport().QueueReply(FakeTransport::Status(503));
  world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(kLong);
  ASSERT_THAT(world.transport().requests(), SizeIs(2));
  EXPECT_EQ(*FindHeader(world.transport().requests()[0], "webhook-id"),
            *FindHeader(world.transport().requests()[1], "webhook-id"));
}

TEST(EngineTest, ExhaustedDeliveriesAreDeadAndCanBeRetried) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.retry_policy.delays = {absl::Seconds(5)};
  world.CreateWebhook(webhook);
  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(500); });
  const int64_t number = world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(kLong);
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kDead);
  EXPECT_THAT(world.transport().requests(), SizeIs(2));

  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(204); });
  EXPECT_TRUE(world.Write(RetryDelivery{{{kDefaultTenant, 1}, number}, world.clock().Now()}).ok());
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded);
  EXPECT_THAT(world.ListAttempts(1, number), SizeIs(3));
}

TEST(EngineTest, GoneSuspendsAndResumeDelivers) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook({});
  world.transport().QueueReply(FakeTransport::Status(410));
  const int64_t first = world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(kLong);
  EXPECT_EQ(world.configuration().FindWebhook(webhook->key)->state, WebhookState::kSuspended);
  EXPECT_THAT(world.configuration().FindWebhook(webhook->key)->state_reason,
              ::testing::HasSubstr("410"));
  const int64_t second = world.Publish(TestEvent("door-1", 2));
  world.executor().RunFor(kLong);
  EXPECT_THAT(world.transport().requests(), SizeIs(1)) << "suspended webhooks hold";

  world.SetWebhookState(webhook->key, WebhookState::kActive);
  world.executor().RunFor(kLong);
  EXPECT_EQ(world.GetDelivery(1, first).state, DeliveryState::kSucceeded);
  EXPECT_EQ(world.GetDelivery(1, second).state, DeliveryState::kSucceeded);
}

TEST(EngineTest, GoneSuspendsAlsoWhenTheDiskIsFullAtThatMoment) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook({});
  world.transport().QueueReply(FakeTransport::Status(410, absl::Milliseconds(50)));
  world.Publish(TestEvent("door-1", 1));
  world.database().FailWrites(3, "disk full");
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.configuration().FindWebhook(webhook->key)->state, WebhookState::kSuspended);
  EXPECT_THAT(world.transport().requests(), SizeIs(1));
}

TEST(EngineTest, PausedHoldsAndDisabledMatchesNothing) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook({});
  world.SetWebhookState(webhook->key, WebhookState::kPaused);
  world.Publish(TestEvent("door-1", 1));
  world.SetWebhookState(webhook->key, WebhookState::kDisabled);
  world.Publish(TestEvent("door-1", 2));
  world.executor().RunFor(kLong);
  EXPECT_TRUE(world.transport().requests().empty());
  world.SetWebhookState(webhook->key, WebhookState::kActive);
  world.executor().RunFor(kLong);
  EXPECT_THAT(Bodies(world.transport()), ElementsAre(R"({"n":1})"));
}

TEST(EngineTest, DeletedMidQueueIsNeverSentAndHindersNobody) {
  DeliveryWorld world;
  const auto doomed = world.CreateWebhook({});
  Webhook other;
  other.url = "http://other.test/";
  world.CreateWebhook(other);
  world.transport().SetHandler([](const HttpRequest& request) {
    return FakeTransport::Status(absl::StrContains(request.url, "other") ? 200 : 500,
                                 absl::Seconds(1));
  });
  const int64_t number = world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(absl::Milliseconds(100));  // both are in flight
  world.DeleteWebhook(doomed->key);
  world.executor().RunFor(kLong);
  EXPECT_THAT(world.transport().requests(), SizeIs(2));
  EXPECT_EQ(world.GetDelivery(2, number).state, DeliveryState::kSucceeded);
  EXPECT_EQ(world.transport().in_flight(), 0);
}

TEST(EngineTest, ExpiredIsNeverSent) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook({});
  world.SetWebhookState(webhook->key, WebhookState::kPaused);
  Event event = TestEvent("door-1", 1);
  event.expire_time = world.clock().Now() + absl::Minutes(1);
  const int64_t number = world.Publish(event);
  world.executor().RunFor(absl::Minutes(2));
  world.SetWebhookState(webhook->key, WebhookState::kActive);
  world.executor().RunFor(absl::Minutes(2));
  EXPECT_TRUE(world.transport().requests().empty());
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kExpired);
}

TEST(EngineTest, OrderKeysKeepTheirOrderAndDoNotWaitForEachOther) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.ordering = WebhookOrdering::kBySubject;
  webhook.retry_policy.delays = {absl::Seconds(5), absl::Seconds(5)};
  world.CreateWebhook(webhook);
  int failures = 2;
  world.transport().SetHandler([&](const HttpRequest& request) {
    const bool blocked = absl::StrContains(request.body, "\"n\":1}") && failures-- > 0;
    return FakeTransport::Status(blocked ? 500 : 200, absl::Milliseconds(10));
  });
  for (int n = 1; n <= 3; ++n) world.Publish(TestEvent("door-1", n));
  for (int n = 11; n <= 13; ++n) world.Publish(TestEvent("door-2", n));
  world.executor().RunFor(absl::Seconds(2));
  EXPECT_THAT(Bodies(world.transport()),
              ElementsAre(R"({"n":1})", R"({"n":11})", R"({"n":12})", R"({"n":13})"));
  world.transport().ClearRequests();
  world.executor().RunFor(kLong);
  EXPECT_THAT(Bodies(world.transport()),
              ElementsAre(R"({"n":1})", R"({"n":1})", R"({"n":2})", R"({"n":3})"));
}

TEST(EngineTest, AttemptsPerWebhookAreCapped) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.max_in_flight = 3;
  world.CreateWebhook(webhook);
  world.transport().SetHandler(
      [](const HttpRequest&) { return FakeTransport::Status(200, absl::Milliseconds(20)); });
  for (int n = 0; n < 50; ++n)
    world.PublishAsync(TestEvent("door-1", n), [](absl::Status, int64_t) {});
  world.executor().RunFor(kLong);
  EXPECT_EQ(world.transport().max_in_flight(), 3);
  EXPECT_THAT(world.transport().requests(), SizeIs(50));
}

TEST(EngineTest, ABacklogBeyondMemoryComesFromTheStoreOnceEach) {
  DeliveryWorldOptions options;
  options.engine.max_ready_per_webhook = 8;
  DeliveryWorld world(options);
  world.CreateWebhook({});
  world.transport().SetHandler(
      [](const HttpRequest&) { return FakeTransport::Status(200, absl::Milliseconds(20)); });
  for (int n = 0; n < 500; ++n) {
    world.PublishAsync(TestEvent("door-1", n), [](absl::Status, int64_t) {});
  }
  world.executor().RunFor(kLong);
  const std::vector<std::string> bodies = Bodies(world.transport());
  EXPECT_THAT(bodies, SizeIs(500));
  EXPECT_THAT(std::set<std::string>(bodies.begin(), bodies.end()), SizeIs(500));
}

TEST(EngineTest, ADeadReceiverDoesNotDelayAHealthyOne) {
  DeliveryWorld world;
  world.CreateWebhook({});
  Webhook healthy;
  healthy.url = "http://healthy.test/";
  world.CreateWebhook(healthy);
  world.transport().SetHandler([](const HttpRequest& request) {
    return absl::StrContains(request.url, "healthy") ? FakeTransport::Status(200)
                                                     : FakeTransport::Never();
  });
  for (int n = 0; n < 300; ++n) {
    world.PublishAsync(TestEvent("door-1", n), [](absl::Status, int64_t) {});
  }
  world.executor().RunFor(absl::Seconds(1));
  int delivered = 0;
  for (const HttpRequest& request : world.transport().requests()) {
    delivered += absl::StrContains(request.url, "healthy");
  }
  EXPECT_EQ(delivered, 300);
}

TEST(EngineTest, AfterACrashPendingDeliveriesGoOn) {
  DeliveryWorld world;
  world.CreateWebhook({});
  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Never(); });
  for (int n = 0; n < 5; ++n) world.Publish(TestEvent("door-1", n));
  world.Crash();
  world.transport().ClearRequests();
  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(200); });
  world.Start();
  world.executor().RunFor(absl::Seconds(2));
  const std::vector<std::string> bodies = Bodies(world.transport());
  EXPECT_THAT(std::set<std::string>(bodies.begin(), bodies.end()), SizeIs(5));
}

TEST(EngineTest, AFullDiskStopsNothingForGood) {
  DeliveryWorld world;
  world.CreateWebhook({});
  const int64_t number = world.Publish(TestEvent("door-1", 1));
  world.database().FailWrites(20, "disk full");
  world.executor().RunFor(kLong);
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded);
  EXPECT_THAT(world.transport().requests(), SizeIs(1)) << "the outcome was kept, not sent again";
}

TEST(EngineTest, DrainWaitsForWhatIsUnderWay) {
  DeliveryWorld world;
  world.CreateWebhook({});
  world.transport().SetHandler(
      [](const HttpRequest&) { return FakeTransport::Status(200, absl::Seconds(3)); });
  const int64_t number = world.Publish(TestEvent("door-1", 1));
  world.executor().RunFor(absl::Milliseconds(50));
  bool drained = false;
  world.engine().Drain([&] { drained = true; });
  world.executor().RunFor(absl::Seconds(1));
  EXPECT_FALSE(drained);
  world.executor().RunFor(absl::Seconds(5));
  EXPECT_TRUE(drained);
  EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded);
}

TEST(EngineTest, SendTestReturnsTheAnswerAndRecordsNothing) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook({});
  world.transport().QueueReply(FakeTransport::Status(418, absl::ZeroDuration(), "teapot"));
  HttpResult result;
  world.engine().SendTest(webhook, [&](HttpResult answer) { result = std::move(answer); });
  world.executor().RunFor(absl::Seconds(1));
  EXPECT_EQ(result.http_status, 418);
  EXPECT_EQ(result.body, "teapot");
  EXPECT_THAT(world.transport().requests(), SizeIs(1));
}

// It used to wait until its owner gained a lease.
TEST(EngineServersTest, WhatAnotherServerStoresIsDeliveredByTheOwner) {
  DeliveryWorldOptions options;
  options.servers = 2;
  DeliveryWorld world(options);
  world.CreateWebhook({});
  world.executor().RunFor(absl::Seconds(5));
  world.Start(1);
  world.executor().RunFor(absl::Seconds(5));
  int64_t stored = 0;
  world.PublishAsync(
      TestEvent("door-1", 1), [&](const absl::Status&, int64_t number) { stored = number; }, 1);
  world.executor().RunFor(absl::Seconds(2));
  ASSERT_NE(stored, 0);
  EXPECT_EQ(world.GetDelivery(1, stored).state, DeliveryState::kSucceeded);
}

// Its tenant used to be stale for ever.
TEST(EngineServersTest, AWebhookOfOneServerIsMatchedByTheOther) {
  DeliveryWorldOptions options;
  options.servers = 2;
  DeliveryWorld world(options);
  world.Start(1);
  world.executor().RunFor(absl::Seconds(5));
  world.CreateWebhook({});
  int64_t stored = 0;
  world.PublishAsync(
      TestEvent("door-1", 1), [&](const absl::Status&, int64_t number) { stored = number; }, 1);
  world.executor().RunFor(absl::Seconds(5));
  ASSERT_NE(stored, 0);
  EXPECT_EQ(world.GetDelivery(1, stored).state, DeliveryState::kSucceeded);
}

}  // namespace
}  // namespace latchwire
