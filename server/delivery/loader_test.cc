#include "server/delivery/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() { world_.OwnEverything(); }

  // A webhook with one delivery in the store, that wants it.
  WebhookEntry& MakeWaiting(bool suspect = false) {
    WebhookEntry& entry = world_.Entry(world_.CreateWebhook());
    entry.suspect = suspect;
    entry.queue->MarkStoreWork();
    loader_.Enter(entry);
    return entry;
  }
  void FinishLoad() {
    world_.reads.Run();
    world_.executor.RunFor(absl::ZeroDuration());
  }

  PartWorld world_;
  Loader loader_{&world_.executor, &world_.clock,     &world_.reads,
                 &world_.webhooks, &world_.scheduler, 4};
};

TEST_F(LoaderTest, LoadsWhatTheStoreHasUpToTheRoomInTheQueue) {
  WebhookEntry& entry = world_.Entry(world_.CreateWebhook());
  world_.StoreDeliveries(entry.key, 20);
  entry.queue->MarkStoreWork();
  loader_.Enter(entry);
  loader_.StartLoads();
  EXPECT_TRUE(entry.queue->loading());
  EXPECT_EQ(world_.reads.held(), 1);
  FinishLoad();
  EXPECT_EQ(entry.queue->ready_count(), 8);
  EXPECT_EQ(entry.queue->NextLoad(), absl::InfinitePast()) << "the store has more";
  EXPECT_EQ(world_.reads.held(), 0);
  EXPECT_EQ(world_.scheduler.dispatches, 1);
}

TEST_F(LoaderTest, OneLoadPerWebhookAndSoManyAtOnce) {
  for (int i = 0; i < 6; ++i) {
    WebhookEntry& entry = MakeWaiting();
    loader_.Enter(entry);
  }
  loader_.StartLoads();
  EXPECT_EQ(world_.reads.held(), 4);
  FinishLoad();
  loader_.StartLoads();
  EXPECT_EQ(world_.reads.held(), 4);
  EXPECT_EQ(world_.reads.held(), 4);
}

TEST_F(LoaderTest, SuspectsHaveHalfOfTheLoadsAndTheirTurn) {
  for (int i = 0; i < 4; ++i) MakeWaiting(true);
  loader_.StartLoads();
  EXPECT_EQ(world_.reads.held(), 2) << "the rest is for healthy ones";
  WebhookEntry& first = MakeWaiting();
  WebhookEntry& second = MakeWaiting();
  loader_.StartLoads();
  EXPECT_TRUE(first.queue->loading());
  EXPECT_TRUE(second.queue->loading());
  EXPECT_EQ(world_.reads.held(), 4);
  FinishLoad();
  MakeWaiting();
  loader_.StartLoads();
  EXPECT_EQ(world_.reads.held(), 4) << "healthy and suspect in turn";
}

TEST_F(LoaderTest, AWebhookThatMayNotBeAttemptedIsNotLoaded) {
  WebhookEntry& entry = MakeWaiting();
  auto paused = std::make_shared<Webhook>(*entry.webhook);
  paused->state = WebhookState::kPaused;
  entry.webhook = std::move(paused);
  loader_.StartLoads();
  EXPECT_EQ(world_.reads.held(), 0);
  EXPECT_FALSE(entry.waits_for_load);
  EXPECT_THAT(world_.scheduler.rescheduled, ::testing::ElementsAre(entry.key));
}

TEST_F(LoaderTest, TheEntryOfADeletedWebhookLivesUntilItsLoadHasEnded) {
  WebhookEntry& entry = MakeWaiting();
  const WebhookKey key = entry.key;
  loader_.StartLoads();
  entry.webhook = nullptr;
  world_.webhooks.EraseIfDone(entry);
  EXPECT_NE(world_.webhooks.Find(key), nullptr);
  FinishLoad();
  EXPECT_EQ(world_.webhooks.Find(key), nullptr);
}

TEST_F(LoaderTest, AHalfOpenBreakerNeedsOneDelivery) {
  WebhookEntry& entry = world_.Entry(world_.CreateWebhook());
  world_.StoreDeliveries(entry.key, 5);
  entry.queue->MarkStoreWork();
  entry.breaker = CircuitBreaker(CircuitBreakerPolicy{1, absl::Seconds(1), absl::Seconds(1)}, 1);
  loader_.Enter(entry);
  loader_.StartLoads();
  FinishLoad();
  EXPECT_EQ(entry.queue->ready_count(), 1);
}

}  // namespace
}  // namespace latchwire
