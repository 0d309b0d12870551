#include "server/delivery/attempter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

using ::testing::SizeIs;

class AttempterTest : public ::testing::Test {
 protected:
  AttempterTest() { world_.OwnEverything(); }

  // A webhook with stored deliveries, which are in memory too and in line.
  WebhookEntry& MakeReady(int deliveries, Webhook webhook = {}) {
    WebhookEntry& entry = world_.Entry(world_.CreateWebhook(std::move(webhook)));
    world_.StoreDeliveries(entry.key, deliveries);
    for (int64_t number = 1; number <= deliveries; ++number) {
      entry.queue->Offer(world_.Pending(entry.key, number));
    }
    attempter_.Enter(entry);
    return entry;
  }
  // As the engine does it.
  void StartAll(WebhookEntry& entry) {
    for (size_t before = 1; before != entry.queue->ready_count();) {
      before = entry.queue->ready_count();
      attempter_.Enter(entry);
      attempter_.StartAttempts();
    }
  }

  PartWorld world_;
  int fenced_ = 0;
  OperationalEvents events_{&world_.clock, &world_.random, &world_.configuration};
  Suspender suspender_{&world_.executor,      &world_.clock, &world_.writer,
                       &world_.configuration, &events_,      &world_.counters};
  Attempter attempter_{{&world_.executor, &world_.clock, &world_.random, &world_.writer,
                        &world_.transport, &world_.leases, &world_.webhooks, &events_, &suspender_,
                        &world_.scheduler, &world_.counters},
                       {.in_flight = 64, .unrecorded = 128},
                       [this] { ++fenced_; }};
};

TEST_F(AttempterTest, AttemptsAndRecords) {
  WebhookEntry& entry = MakeReady(1);
  attempter_.StartAttempts();
  EXPECT_FALSE(attempter_.idle());
  EXPECT_EQ(world_.counters.in_flight, 1);
  world_.executor.RunFor(absl::Seconds(1));
  EXPECT_TRUE(attempter_.idle());
  EXPECT_EQ(world_.counters.succeeded, 1);
  EXPECT_EQ(entry.queue->taken_count(), 0);
  EXPECT_EQ(world_.stats.StatsOf(entry.key).succeeded, 1);
}

TEST_F(AttempterTest, NoMoreThanMaxInFlight) {
  Webhook webhook;
  webhook.max_in_flight = 3;
  WebhookEntry& entry = MakeReady(8, webhook);
  StartAll(entry);
  EXPECT_THAT(world_.transport.requests(), SizeIs(3));
  attempter_.Enter(entry);
  EXPECT_FALSE(entry.attempts.waiting) << "it enters again when an attempt has ended";
}

TEST_F(AttempterTest, WhatWasNotSentIsForgottenAndCountsForNothing) {
  WebhookEntry& entry = MakeReady(1);
  world_.transport.QueueReply(FakeTransport::Error(TransportError::kOverloaded));
  attempter_.StartAttempts();
  world_.executor.RunFor(absl::ZeroDuration());
  EXPECT_TRUE(attempter_.idle());
  EXPECT_EQ(entry.queue->taken_count(), 0);
  EXPECT_EQ(entry.queue->NextLoad(), world_.clock.Now() + absl::Seconds(1));
  EXPECT_FALSE(entry.suspect);
  EXPECT_EQ(world_.stats.StatsOf(entry.key).consecutive_failures, 0);
}

TEST_F(AttempterTest, NothingStaysInMemoryOfADeletedWebhookWhoseLastAttemptWasNotSent) {
  WebhookEntry& entry = MakeReady(1);
  const WebhookKey key = entry.key;
  world_.transport.QueueReply(FakeTransport::Error(TransportError::kShutdown));
  attempter_.StartAttempts();
  entry.webhook = nullptr;
  world_.executor.RunFor(absl::ZeroDuration());
  EXPECT_EQ(world_.webhooks.Find(key), nullptr);
}

TEST_F(AttempterTest, AFailureMakesASuspectAndTheUserForgives) {
  Webhook webhook;
  webhook.circuit_breaker = {1, absl::Seconds(5), absl::Seconds(5)};
  WebhookEntry& entry = MakeReady(2, webhook);
  world_.transport.QueueReply(FakeTransport::Status(500));
  attempter_.StartAttempts();
  world_.executor.RunFor(absl::ZeroDuration());
  EXPECT_TRUE(entry.suspect);
  EXPECT_EQ(entry.breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(world_.stats.BreakerOf(entry.key).state, BreakerState::kOpen);
  EXPECT_EQ(entry.queue->ready_count(), 0) << "memory goes back to the store";
  attempter_.Forgive(entry);
  EXPECT_FALSE(entry.suspect);
  EXPECT_EQ(world_.stats.BreakerOf(entry.key).state, BreakerState::kClosed);
}

TEST_F(AttempterTest, WhatHasExpiredIsRecordedAndNotSent) {
  WebhookEntry& entry = world_.Entry(world_.CreateWebhook());
  world_.StoreDeliveries(entry.key, 1);
  PendingDelivery pending = world_.Pending(entry.key, 1);
  pending.delivery.expire_time = world_.clock.Now();
  entry.queue->Offer(std::move(pending));
  attempter_.Enter(entry);
  attempter_.StartAttempts();
  world_.executor.RunFor(absl::ZeroDuration());
  EXPECT_THAT(world_.transport.requests(), SizeIs(0));
  EXPECT_EQ(world_.counters.expired, 1);
  EXPECT_EQ(world_.stats.StatsOf(entry.key).expired, 1);
}

TEST_F(AttempterTest, OutcomesOfLostLeasesAreForgotten) {
  WebhookEntry& entry = MakeReady(1);
  world_.transport.QueueReply(FakeTransport::Status(200, absl::Seconds(1)));
  attempter_.StartAttempts();
  // Another server takes the leases over before the answer is here.
  world_.Write(ReleaseLeases{"server"});
  AcquireLeases acquire;
  acquire.owner = "other";
  acquire.now = world_.clock.Now();
  acquire.duration = absl::Minutes(1);
  world_.Write(std::move(acquire));
  world_.executor.RunFor(absl::Seconds(2));
  EXPECT_EQ(fenced_, 1);
  EXPECT_EQ(world_.counters.fenced, 1);
  EXPECT_EQ(entry.queue->taken_count(), 0);
  EXPECT_EQ(world_.stats.StatsOf(entry.key).succeeded, 0);
}

TEST_F(AttempterTest, GoneSuspends) {
  WebhookEntry& entry = MakeReady(1);
  world_.transport.QueueReply(FakeTransport::Status(410));
  attempter_.StartAttempts();
  world_.executor.RunFor(absl::Seconds(1));
  EXPECT_EQ(world_.configuration.FindWebhook(entry.key)->state, WebhookState::kSuspended);
}

}  // namespace
}  // namespace latchwire
