// Breaker, rate, guarantee, overflow, priority, shares: what keeps a webhook from doing too much.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/delivery/testing/delivery_world.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

void Publish(DeliveryWorld& world, int first, int last, int priority = kDefaultPriority,
             absl::string_view subject = "door-1") {
  for (int n = first; n <= last; ++n) {
    Event event = TestEvent(subject, n);
    event.priority = priority;
    world.PublishAsync(std::move(event), [](absl::Status, int64_t) {});
  }
}

std::vector<int> Numbers(const FakeTransport& transport, absl::string_view url = "") {
  std::vector<int> numbers;
  for (const HttpRequest& request : transport.requests()) {
    if (!absl::StrContains(request.url, url)) continue;
    const size_t begin = request.body.find("\"n\":");
    if (begin != std::string::npos) numbers.push_back(std::atoi(request.body.c_str() + begin + 4));
  }
  return numbers;
}

Webhook Fragile(WebhookOrdering ordering = WebhookOrdering::kNone) {
  Webhook webhook;
  webhook.ordering = ordering;
  webhook.circuit_breaker = {3, absl::Seconds(5), absl::Seconds(15)};
  webhook.retry_policy.delays.assign(20, absl::Seconds(1));
  return webhook;
}

TEST(EngineBreakerTest, NothingIsSentWhileItIsOpenAndMemoryIsFree) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook(Fragile());
  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(503); });
  Publish(world, 1, 50);
  world.executor().RunFor(absl::Seconds(1));
  const size_t before = world.transport().requests().size();
  EXPECT_GE(before, 3);
  EXPECT_EQ(world.stats().BreakerOf(webhook->key).state, BreakerState::kOpen);
  EXPECT_EQ(world.engine().counters().ready_bytes, 0);
  Publish(world, 51, 60);
  world.executor().RunFor(absl::Seconds(3.5));
  EXPECT_THAT(world.transport().requests(), SizeIs(before));
  EXPECT_EQ(world.engine().counters().ready_bytes, 0);
  world.executor().RunFor(absl::Seconds(1));  // 5 s are over
  EXPECT_THAT(world.transport().requests(), SizeIs(before + 1)) << "one probe";
  world.executor().RunFor(absl::Seconds(8));  // 10 s are not over
  EXPECT_THAT(world.transport().requests(), SizeIs(before + 1));

  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(200); });
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_EQ(world.stats().BreakerOf(webhook->key).state, BreakerState::kClosed);
  for (int64_t number = 1; number <= 60; ++number) {
    EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded) << number;
  }
}

TEST(EngineBreakerTest, WithOrderToo) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook(Fragile(WebhookOrdering::kBySubject));
  world.transport().SetHandler(
      [](const HttpRequest&) { return FakeTransport::Status(503, absl::Milliseconds(300)); });
  for (int door = 0; door < 10; ++door) {
    Publish(world, door * 10, door * 10 + 2, kDefaultPriority, absl::StrCat("door-", door));
  }
  world.executor().RunFor(absl::Seconds(4));
  EXPECT_EQ(world.engine().counters().ready_bytes, 0);
  world.transport().ClearRequests();
  world.executor().RunFor(absl::Seconds(60));
  EXPECT_GE(world.transport().requests().size(), 3);
  EXPECT_LE(world.transport().requests().size(), 6) << "one probe, and then for longer nothing";
  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(200); });
  world.executor().RunFor(absl::Minutes(2));
  for (int64_t number = 1; number <= 30; ++number) {
    EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded) << number;
  }
}

TEST(EngineBreakerTest, AfterARestartItBeginsWithOneProbe) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook(Fragile());
  world.transport().SetHandler(
      [](const HttpRequest&) { return FakeTransport::Status(503, absl::Milliseconds(50)); });
  Publish(world, 1, 30);
  world.executor().RunFor(absl::Seconds(2));
  world.Crash();
  world.transport().ClearRequests();
  world.Start();
  world.executor().RunFor(absl::Seconds(2));
  EXPECT_THAT(world.transport().requests(), SizeIs(1));
  EXPECT_EQ(world.stats().BreakerOf(webhook->key).state, BreakerState::kOpen);
}

TEST(EngineBreakerTest, AChangeByTheUserClosesIt) {
  DeliveryWorld world;
  const auto webhook = world.CreateWebhook(Fragile());
  world.transport().SetHandler([](const HttpRequest& request) {
    return FakeTransport::Status(absl::StrContains(request.url, "better") ? 200 : 503);
  });
  Publish(world, 1, 10);
  world.executor().RunFor(absl::Seconds(2));
  ASSERT_EQ(world.stats().BreakerOf(webhook->key).state, BreakerState::kOpen);
  Webhook better = *world.configuration().FindWebhook(webhook->key);
  better.url = "http://better.test/";
  EXPECT_TRUE(world.Write(UpdateWebhook{better}).ok());
  EXPECT_EQ(world.GetDelivery(1, 1).state, DeliveryState::kPending);
  world.executor().RunFor(absl::Seconds(2));
  EXPECT_EQ(world.stats().BreakerOf(webhook->key).state, BreakerState::kClosed);
  for (int64_t number = 1; number <= 10; ++number) {
    EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded) << number;
  }
}

TEST(EngineBreakerTest, AClockThatIsSetBackDoesNotKeepItOpen) {
  DeliveryWorld world;
  world.CreateWebhook(Fragile());
  world.transport().SetHandler([](const HttpRequest&) { return FakeTransport::Status(503); });
  Publish(world, 1, 10);
  world.executor().RunFor(absl::Seconds(1));
  world.transport().ClearRequests();
  world.clock().JumpWall(-absl::Hours(5));
  Publish(world, 11, 12);  // due by the clock as it is now
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_GE(world.transport().requests().size(), 1);
}

TEST(EngineRateTest, AttemptsKeepTheirRate) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.rate_limit = {10, 5};
  world.CreateWebhook(webhook);
  Publish(world, 1, 100);
  world.executor().RunFor(absl::Milliseconds(50));
  EXPECT_THAT(world.transport().requests(), SizeIs(5));
  world.executor().RunFor(absl::Seconds(2));
  EXPECT_GE(world.transport().requests().size(), 24);
  EXPECT_LE(world.transport().requests().size(), 26);
  EXPECT_GT(world.engine().counters().rate_limited, 0);
  world.clock().JumpWall(-absl::Hours(1));
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_THAT(world.transport().requests(), SizeIs(100));
}

TEST(EngineBestEffortTest, OneAttemptInOrderAndOneAtATime) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.guarantee = WebhookGuarantee::kBestEffort;
  world.CreateWebhook(webhook);
  world.transport().SetHandler([](const HttpRequest& request) {
    return FakeTransport::Status(absl::StrContains(request.body, "3}") ? 500 : 200,
                                 absl::Milliseconds(20));
  });
  for (int n = 1; n <= 6; ++n) Publish(world, n, n, n % 3, absl::StrCat("door-", n));
  world.executor().RunFor(absl::Hours(1));
  EXPECT_THAT(Numbers(world.transport()), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(world.transport().max_in_flight(), 1);
  EXPECT_EQ(world.GetDelivery(1, 3).state, DeliveryState::kDead);
}

TEST(EngineOverflowTest, WhatWasDroppedIsNeverSent) {
  for (const OverflowPolicy overflow : {OverflowPolicy::kDropNewest, OverflowPolicy::kDropOldest}) {
    for (const WebhookOrdering ordering : {WebhookOrdering::kNone, WebhookOrdering::kBySubject}) {
      DeliveryWorld world;
      Webhook webhook;
      webhook.ordering = ordering;
      webhook.max_pending = 3;
      webhook.overflow = overflow;
      webhook.max_in_flight = 1;
      world.CreateWebhook(webhook);
      world.transport().SetHandler(
          [](const HttpRequest&) { return FakeTransport::Status(200, absl::Seconds(1)); });
      world.Publish(TestEvent("door-1", 1));
      world.executor().RunFor(absl::Milliseconds(100));  // it is in flight
      for (int n = 2; n <= 5; ++n) world.Publish(TestEvent("door-1", n));
      world.executor().RunFor(absl::Minutes(1));
      if (overflow == OverflowPolicy::kDropNewest) {
        EXPECT_THAT(Numbers(world.transport()), ElementsAre(1, 2, 3));
        EXPECT_EQ(world.GetDelivery(1, 5).state, DeliveryState::kDropped);
      } else {
        // The first was sent already: dropped while it was in flight, it succeeds all the same.
        EXPECT_THAT(Numbers(world.transport()), ElementsAre(1, 3, 4, 5));
        EXPECT_EQ(world.GetDelivery(1, 1).state, DeliveryState::kSucceeded);
        EXPECT_EQ(world.GetDelivery(1, 2).state, DeliveryState::kDropped);
      }
      EXPECT_EQ(world.engine().counters().dropped, 2);
    }
  }
}

TEST(EnginePriorityTest, HigherLeavesFirstAndLowerIsNotStarved) {
  for (const WebhookOrdering ordering : {WebhookOrdering::kNone, WebhookOrdering::kBySubject}) {
    DeliveryWorld world;
    Webhook webhook;
    webhook.ordering = ordering;
    webhook.max_in_flight = 1;
    world.CreateWebhook(webhook);
    world.transport().SetHandler(
        [](const HttpRequest&) { return FakeTransport::Status(200, absl::Milliseconds(100)); });
    for (int n = 1; n <= 5; ++n) Publish(world, n, n, 2, absl::StrCat("low-", n));
    for (int n = 101; n <= 140; ++n) Publish(world, n, n, 8, absl::StrCat("high-", n));
    world.executor().RunFor(absl::Minutes(1));
    const std::vector<int> order = Numbers(world.transport());
    ASSERT_THAT(order, SizeIs(45));
    SCOPED_TRACE(::testing::PrintToString(order));
    int lows_among_forty = 0;
    for (size_t i = 1; i < 40; ++i) lows_among_forty += order[i] < 100;
    EXPECT_GE(lows_among_forty, 3);
    EXPECT_LE(lows_among_forty, 5);
    EXPECT_GT(order[1], 100);
  }
}

TEST(EnginePriorityTest, AFreshHigherOneDisplacesALowerOneFromAFullWindow) {
  DeliveryWorldOptions options;
  options.engine.max_ready_per_webhook = 8;
  DeliveryWorld world(options);
  Webhook webhook;
  webhook.max_in_flight = 1;
  world.CreateWebhook(webhook);
  world.transport().SetHandler(
      [](const HttpRequest&) { return FakeTransport::Status(200, absl::Milliseconds(100)); });
  Publish(world, 1, 30, 1);
  world.executor().RunFor(absl::Milliseconds(20));
  Publish(world, 101, 104, 9);
  world.executor().RunFor(absl::Milliseconds(550));
  EXPECT_THAT(Numbers(world.transport()), ElementsAre(1, 101, 102, 103, 104, 2));
  EXPECT_EQ(world.engine().counters().priority_displaced, 3) << "one place was free";
  world.executor().RunFor(absl::Minutes(1));
  EXPECT_THAT(world.transport().requests(), SizeIs(34));
}

TEST(EngineFairnessTest, DeadWebhooksDoNotTakeWhatAHealthyOneNeeds) {
  DeliveryWorld world;  // with the limits of the real server
  for (int i = 0; i < 40; ++i) {
    Webhook dead;
    dead.url = "http://dead.test/";
    dead.any_of = {{"door.dead", "", ""}};
    dead.circuit_breaker.failure_threshold = 0;  // the worst case
    world.CreateWebhook(dead);
  }
  Webhook healthy;
  healthy.url = "http://healthy.test/";
  healthy.any_of = {{"door.opened", "", ""}};
  world.CreateWebhook(healthy);
  std::map<int, absl::Time> sent;
  absl::Duration slowest;
  world.transport().SetHandler([&](const HttpRequest& request) {
    if (absl::StrContains(request.url, "dead")) return FakeTransport::Never();
    const size_t begin = request.body.find("\"n\":") + 4;
    slowest = std::max(slowest, world.clock().Now() - sent.at(std::atoi(&request.body[begin])));
    return FakeTransport::Status(200, absl::Milliseconds(10));
  });
  for (int n = 0; n < 70; ++n) {
    Event event = TestEvent("door-1", n);
    event.type = "door.dead";
    world.PublishAsync(std::move(event), [](absl::Status, int64_t) {});
  }
  world.executor().RunFor(absl::Seconds(1));
  EXPECT_GE(world.engine().counters().in_flight, 1500) << "the dead ones hang";
  EXPECT_LT(world.engine().counters().in_flight, 2048);
  for (int n = 0; n < 200; ++n) {  // before and after the first timeouts
    sent[n] = world.clock().Now();
    world.PublishAsync(TestEvent("door-1", n), [](absl::Status, int64_t) {});
    world.executor().RunFor(absl::Milliseconds(100));
  }
  EXPECT_LE(world.engine().counters().in_flight, 1024 + 64) << "half is for those that work";
  EXPECT_THAT(Numbers(world.transport(), "healthy"), SizeIs(200));
  EXPECT_LT(slowest, absl::Milliseconds(20));
}

TEST(EngineExpiryTest, AnExpiredHeadFreesItsOrderKeyInTime) {
  DeliveryWorld world;
  Webhook webhook;
  webhook.ordering = WebhookOrdering::kBySubject;
  webhook.retry_policy.delays = {absl::Hours(1)};
  world.CreateWebhook(webhook);
  world.transport().QueueReply(FakeTransport::Status(500));
  Event head = TestEvent("door-1", 1);
  head.expire_time = world.clock().Now() + absl::Minutes(1);
  world.Publish(head);
  world.Publish(TestEvent("door-1", 2));
  world.executor().RunFor(absl::Seconds(59));
  EXPECT_THAT(Numbers(world.transport()), ElementsAre(1));
  world.executor().RunFor(absl::Seconds(2));
  EXPECT_THAT(Numbers(world.transport()), ElementsAre(1, 2));
  EXPECT_EQ(world.GetDelivery(1, 1).state, DeliveryState::kExpired);
}

TEST(EngineExpiryTest, AHeadThatTheSweepExpiresInTheStoreFreesItsOrderKey) {
  DeliveryWorldOptions options;
  options.engine.max_ready_per_webhook = 2;
  DeliveryWorld world(options);
  Webhook webhook;
  webhook.ordering = WebhookOrdering::kBySubject;
  webhook.retry_policy.delays = {absl::Hours(1)};
  const auto made = world.CreateWebhook(webhook);
  world.transport().QueueReply(FakeTransport::Status(500));
  Event head = TestEvent("door-1", 1);
  head.expire_time = world.clock().Now() + absl::Minutes(1);
  world.Publish(head);
  for (int n = 2; n <= 5; ++n) world.Publish(TestEvent("door-1", n));
  // Back to the store with all of it.
  world.SetWebhookState(made->key, WebhookState::kPaused);
  world.SetWebhookState(made->key, WebhookState::kActive);
  world.executor().RunFor(absl::Minutes(2));
  ExpireDeliveries expire;
  expire.now = world.clock().Now();
  EXPECT_TRUE(world.Write(std::move(expire)).ok());
  world.executor().RunFor(absl::Seconds(1));
  EXPECT_THAT(Numbers(world.transport()), ElementsAre(1, 2, 3, 4, 5));
}

TEST(EngineRetryTest, ARetryByHandNeedNotWaitForTheSchedule) {
  for (const WebhookOrdering ordering : {WebhookOrdering::kNone, WebhookOrdering::kBySubject}) {
    DeliveryWorld world;
    Webhook webhook;
    webhook.ordering = ordering;
    webhook.retry_policy.delays = {absl::Hours(1)};
    world.CreateWebhook(webhook);
    world.transport().QueueReply(FakeTransport::Status(500));
    const int64_t number = world.Publish(TestEvent("door-1", 1));
    world.executor().RunFor(absl::Seconds(1));
    EXPECT_TRUE(
        world.Write(RetryDelivery{{{kDefaultTenant, 1}, number}, world.clock().Now()}).ok());
    world.executor().RunFor(absl::Seconds(1));
    EXPECT_EQ(world.GetDelivery(1, number).state, DeliveryState::kSucceeded);
  }
}

}  // namespace
}  // namespace latchwire
