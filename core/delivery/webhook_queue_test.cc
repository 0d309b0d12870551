#include "core/delivery/webhook_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

PendingDelivery Pending(int64_t number, std::string order_key = "door-1", int priority = 4) {
  PendingDelivery pending;
  pending.event = std::make_shared<Event>();
  pending.delivery.key = {{kDefaultTenant, 1}, number};
  pending.delivery.create_time = pending.delivery.due_time = kNow;
  pending.delivery.order_key = std::move(order_key);
  pending.delivery.priority = priority;
  return pending;
}

DueDeliveries Loaded(std::vector<int64_t> numbers, bool more = false) {
  DueDeliveries loaded;
  for (const int64_t number : numbers) loaded.deliveries.push_back(Pending(number));
  loaded.more = more;
  return loaded;
}

// Takes whatever is ready; the numbers in the order in which they left.
std::vector<int64_t> TakeAll(WebhookQueue& queue) {
  std::vector<int64_t> numbers;
  while (queue.NextReady() <= kNow) {
    numbers.push_back(queue.Take(kNow).delivery.key.event_number);
  }
  return numbers;
}

void Settle(WebhookQueue& queue, PendingDelivery delivery, DeliveryState state) {
  delivery.delivery.state = state;
  queue.Settle(std::move(delivery));
}

// What both kinds promise.
class WebhookQueueTest : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<WebhookQueue> Make(size_t capacity = 4, bool store_has_work = false) {
    return WebhookQueue::Make(GetParam(), capacity, store_has_work);
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, WebhookQueueTest, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Ordered" : "Unordered"; });

TEST_P(WebhookQueueTest, WhatDoesNotFitIsLeftToTheStore) {
  const auto queue = Make(2);
  EXPECT_EQ(queue->NextLoad(), absl::InfiniteFuture());
  EXPECT_TRUE(queue->Offer(Pending(1, "a")));
  EXPECT_TRUE(queue->Offer(Pending(2, "b")));
  EXPECT_FALSE(queue->Offer(Pending(3, "c")));
  EXPECT_EQ(queue->ready_count(), 2);
  EXPECT_FALSE(queue->HasRoom());
  EXPECT_EQ(queue->NextLoad(), absl::InfinitePast());
}

TEST_P(WebhookQueueTest, MemoryIsCountedUntilItIsTaken) {
  const auto queue = Make();
  queue->Offer(Pending(1, "a"));
  queue->Offer(Pending(2, "b"));
  EXPECT_GT(queue->ready_bytes(), 0);
  EXPECT_THAT(TakeAll(*queue), ElementsAre(1, 2));
  EXPECT_EQ(queue->ready_bytes(), 0);
  EXPECT_EQ(queue->taken_count(), 2);
}

TEST_P(WebhookQueueTest, DropReadyLeavesItToTheStoreAndKeepsWhatIsTaken) {
  const auto queue = Make();
  queue->Offer(Pending(1, "a"));
  queue->Offer(Pending(2, "b"));
  queue->Take(kNow);
  queue->DropReady();
  EXPECT_EQ(queue->ready_count(), 0);
  EXPECT_EQ(queue->ready_bytes(), 0);
  EXPECT_EQ(queue->taken_count(), 1);
  EXPECT_EQ(queue->NextLoad(), absl::InfinitePast());
}

TEST_P(WebhookQueueTest, WhatWasSettledWhileALoadRanDoesNotComeBack) {
  const auto queue = Make(4, true);
  queue->BeginLoad();
  queue->EndLoad(Loaded({1}, true));
  PendingDelivery taken = queue->Take(kNow);
  queue->BeginLoad();
  EXPECT_EQ(queue->NextLoad(), absl::InfiniteFuture()) << "one load at a time";
  Settle(*queue, std::move(taken), DeliveryState::kSucceeded);
  queue->EndLoad(Loaded({1}));  // from a snapshot before that
  EXPECT_EQ(queue->ready_count(), 0);
}

TEST_P(WebhookQueueTest, ALoadFromBeforeAnInvalidationIsRepeated) {
  const auto queue = Make(4, true);
  queue->BeginLoad();
  queue->Invalidate();
  queue->EndLoad(Loaded({1}));
  EXPECT_EQ(queue->ready_count(), 0);
  EXPECT_EQ(queue->NextLoad(), absl::InfinitePast());
}

TEST_P(WebhookQueueTest, OneThatTheStoreEndedMeanwhileIsNotRetriedFromMemory) {
  const auto queue = Make();
  queue->Offer(Pending(1));
  PendingDelivery taken = queue->Take(kNow);
  queue->Drop(1);
  Settle(*queue, std::move(taken), DeliveryState::kPending);
  EXPECT_EQ(queue->ready_count(), 0);
  EXPECT_EQ(queue->taken_count(), 0);
  EXPECT_EQ(queue->NextLoad(), absl::InfinitePast()) << "the store knows better";
}

TEST_P(WebhookQueueTest, AFailedLoadIsTriedAgainLater) {
  const auto queue = Make(4, true);
  queue->BeginLoad();
  queue->EndFailedLoad(kNow + absl::Seconds(1));
  EXPECT_EQ(queue->NextLoad(), kNow + absl::Seconds(1));
}

TEST_P(WebhookQueueTest, ForgottenOnesWaitInTheStore) {
  const auto queue = Make();
  queue->Offer(Pending(1));
  const PendingDelivery taken = queue->Take(kNow);
  queue->Forget(taken.delivery, kNow + absl::Seconds(1));
  EXPECT_EQ(queue->taken_count(), 0);
  EXPECT_EQ(queue->NextLoad(), kNow + absl::Seconds(1));
}

using WebhookQueueDeathTest = WebhookQueueTest;
INSTANTIATE_TEST_SUITE_P(Kinds, WebhookQueueDeathTest, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Ordered" : "Unordered"; });

TEST_P(WebhookQueueDeathTest, NothingIsInFlightTwice) {
  const auto queue = Make();
  EXPECT_DEATH(queue->Take(kNow), "nothing is ready");
  queue->Offer(Pending(1));
  const PendingDelivery taken = queue->Take(kNow);
  Settle(*queue, taken, DeliveryState::kSucceeded);
  EXPECT_DEATH(Settle(*queue, taken, DeliveryState::kSucceeded), "not in flight");
  EXPECT_DEATH(queue->EndLoad({}), "no load is in progress");
  queue->BeginLoad();
  EXPECT_DEATH(queue->BeginLoad(), "one load at a time");
}

TEST(UnorderedQueueTest, AHigherPriorityDisplacesTheNewestOfTheLowest) {
  const auto queue = WebhookQueue::Make(false, 8, false);
  for (int64_t number = 1; number <= 8; ++number) queue->Offer(Pending(number, "", 1));
  EXPECT_TRUE(queue->Offer(Pending(101, "", 9)));
  EXPECT_EQ(queue->ready_count(), 8);
  EXPECT_EQ(queue->displaced_count(), 1);
  EXPECT_EQ(queue->NextLoad(), absl::InfinitePast());
  EXPECT_THAT(TakeAll(*queue), ElementsAre(101, 1, 2, 3, 4, 5, 6, 7));
}

TEST(UnorderedQueueTest, AnEighthOfTheWindowIsNeverDisplaced) {
  const auto queue = WebhookQueue::Make(false, 8, false);
  for (int64_t number = 1; number <= 8; ++number) queue->Offer(Pending(number, "", 1));
  for (int64_t number = 101; number <= 120; ++number) queue->Offer(Pending(number, "", 9));
  EXPECT_EQ(queue->displaced_count(), 7);
  EXPECT_FALSE(queue->Offer(Pending(121, "", 9)));
}

TEST(UnorderedQueueTest, EveryEighthTakeIsOfTheOldest) {
  const auto queue = WebhookQueue::Make(false, 20, false);
  queue->Offer(Pending(1, "", 1));
  for (int64_t number = 101; number <= 110; ++number) queue->Offer(Pending(number, "", 9));
  const std::vector<int64_t> order = TakeAll(*queue);
  ASSERT_EQ(order.size(), 11);
  EXPECT_EQ(order[7], 1);
}

TEST(UnorderedQueueTest, OneThatALoadHasBroughtAlreadyIsNotAddedTwice) {
  const auto queue = WebhookQueue::Make(false, 4, true);
  queue->BeginLoad();
  queue->EndLoad(Loaded({1, 2}));
  EXPECT_TRUE(queue->Offer(Pending(2)));
  EXPECT_EQ(queue->ready_count(), 2);
  EXPECT_THAT(queue->ExcludedNumbers(), UnorderedElementsAre(1, 2));
}

TEST(OrderedQueueTest, TheNextOfAnOrderKeyWaitsUntilTheFirstIsSettled) {
  const auto queue = WebhookQueue::Make(true, 8, false);
  queue->Offer(Pending(1, "a"));
  queue->Offer(Pending(2, "a"));
  queue->Offer(Pending(3, "b"));
  EXPECT_THAT(TakeAll(*queue), ElementsAre(1, 3));
  EXPECT_THAT(queue->ExcludedOrderKeys(), UnorderedElementsAre("a", "b"));
  PendingDelivery retried = Pending(1, "a");
  retried.delivery.attempt_count = 1;
  retried.delivery.due_time = kNow + absl::Seconds(5);
  Settle(*queue, retried, DeliveryState::kPending);
  EXPECT_EQ(queue->NextReady(), kNow + absl::Seconds(5)) << "2 waits behind it";
  EXPECT_EQ(queue->Take(kNow + absl::Seconds(5)).delivery.key.event_number, 1);
  Settle(*queue, retried, DeliveryState::kSucceeded);
  EXPECT_THAT(TakeAll(*queue), ElementsAre(2));
}

TEST(OrderedQueueTest, WhileTheStoreMayHoldEarlierOnesNothingFreshIsTaken) {
  const auto queue = WebhookQueue::Make(true, 8, true);
  EXPECT_FALSE(queue->Offer(Pending(5, "a")));
  queue->BeginLoad();
  queue->EndLoad({});
  EXPECT_EQ(queue->NextLoad(), absl::InfiniteFuture());
  EXPECT_TRUE(queue->Offer(Pending(6, "a"))) << "the store has nothing";
}

TEST(OrderedQueueTest, AForgottenHeadTakesItsFollowersAlong) {
  const auto queue = WebhookQueue::Make(true, 8, false);
  queue->Offer(Pending(1, "a"));
  queue->Offer(Pending(2, "a"));
  const PendingDelivery head = queue->Take(kNow);
  queue->Forget(head.delivery, kNow);
  EXPECT_EQ(queue->ready_count(), 0) << "2 must not leave before 1";
  EXPECT_EQ(queue->ready_bytes(), 0);
}

TEST(OrderedQueueTest, AnExpiringHeadIsReadyWhenItExpires) {
  const auto queue = WebhookQueue::Make(true, 8, false);
  PendingDelivery head = Pending(1, "a");
  head.delivery.attempt_count = 1;
  head.delivery.due_time = kNow + absl::Hours(1);
  head.delivery.expire_time = kNow + absl::Minutes(1);
  queue->Offer(std::move(head));
  EXPECT_EQ(queue->NextReady(), kNow + absl::Minutes(1));
}

}  // namespace
}  // namespace latchwire
