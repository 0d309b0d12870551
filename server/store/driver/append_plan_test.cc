#include "server/store/driver/append_plan.h"

#include "core/base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/driver/driver_rules.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

NewEvent EventOf(std::string id, std::string data = "1", bool deduplicate = true) {
  NewEvent incoming;
  incoming.event = std::make_shared<Event>();
  incoming.event->id = std::move(id);
  incoming.event->data = std::move(data);
  incoming.deduplicate = deduplicate;
  return incoming;
}

// `count` events to webhook 1, which lets `max_pending` wait.
MatchedEvents Bounded(int count, int64_t max_pending, OverflowPolicy overflow) {
  MatchedEvents append;
  for (int i = 0; i < count; ++i) {
    NewEvent& incoming = append.events.emplace_back(EventOf("", "1", false));
    DeliveryTarget& target = incoming.targets.emplace_back();
    target.webhook_uid = 1;
    target.max_pending = max_pending;
    target.overflow = overflow;
  }
  return append;
}

// Of each new delivery whether it is dropped at once, with `pending` stored ones.
std::vector<bool> DropsOf(const MatchedEvents& append, int64_t pending) {
  auto plan = AppendPlan::Make(append, 0);
  EXPECT_TRUE(plan.ok());
  EXPECT_TRUE(plan->CountNew(0).ok());
  EXPECT_TRUE(plan->SetPending(1, pending).ok());
  std::vector<bool> drops;
  for (const NewEvent& event : append.events) drops.push_back(plan->TakePlace(event.targets[0]));
  return drops;
}

TEST(CheckGenerationTest, MustBeTheCurrentOne) {
  MatchedEvents append;
  append.generation = 3;
  EXPECT_TRUE(CheckGeneration(append, 3).ok());
  const absl::Status stale = CheckGeneration(append, 4);
  EXPECT_EQ(ReasonOf(stale), "STALE_GENERATION");
  EXPECT_EQ(MetadataOf(stale).at("current"), "4");
}

TEST(AppendPlanTest, LooksUpWhatCallersNamedAndOnlyOnce) {
  MatchedEvents append;
  append.events = {EventOf("a"), EventOf("b", "1", false), EventOf("a"), EventOf("c")};
  const auto plan = AppendPlan::Make(append, 0);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->lookups(), ElementsAre(0, 3));
  append.events = {EventOf("a", "1", false), EventOf("b", "1", false)};
  EXPECT_THAT(AppendPlan::Make(append, 0)->lookups(), IsEmpty());
}

TEST(AppendPlanTest, AnIdThatRepeatsInTheAppendMustBringTheSame) {
  MatchedEvents append;
  append.events = {EventOf("a"), EventOf("a", "2")};
  EXPECT_EQ(ReasonOf(AppendPlan::Make(append, 0).status()), "EVENT_ID_CONFLICT");
}

TEST(AppendPlanTest, AKnownEventIsADuplicateOfTheStoredOne) {
  MatchedEvents append;
  append.events = {EventOf("a"), EventOf("b"), EventOf("b"), EventOf("a")};
  auto plan = AppendPlan::Make(append, 0);
  ASSERT_TRUE(plan.ok());
  const Event other = *EventOf("a", "2").event;
  EXPECT_EQ(ReasonOf(plan->SetKnown(0, 7, &other)), "EVENT_ID_CONFLICT");
  ASSERT_TRUE(plan->SetKnown(0, 7, append.events[0].event.get()).ok());
  ASSERT_TRUE(plan->CountNew(0).ok());
  EXPECT_EQ(plan->new_events(), 1);
  EXPECT_EQ(plan->new_bytes(), StoredBytes(*append.events[1].event, 0));

  std::vector<AppendResult::OfEvent> results;
  for (size_t i = 0; i < 4; ++i) {
    results.push_back(plan->IsNew(i) ? AppendResult::OfEvent{AppendResult::Kind::kStored, 8}
                                     : plan->Duplicate(i, results));
  }
  using Kind = AppendResult::Kind;
  EXPECT_THAT(results, ElementsAre(AppendResult::OfEvent{Kind::kDuplicate, 7},
                                   AppendResult::OfEvent{Kind::kStored, 8},
                                   AppendResult::OfEvent{Kind::kDuplicate, 8},
                                   AppendResult::OfEvent{Kind::kDuplicate, 7}));
}

TEST(AppendPlanTest, AnEventThatIsGoneByItsAgeLeavesNothingToCompareWith) {
  MatchedEvents append;
  append.events = {EventOf("a")};
  auto plan = AppendPlan::Make(append, 0);
  EXPECT_TRUE(plan->SetKnown(0, 7, nullptr).ok());
  EXPECT_FALSE(plan->IsNew(0));
}

TEST(AppendPlanTest, WhatAnAgentSentBeforeIsNotLookedAt) {
  MatchedEvents append;
  append.events = {EventOf("a", "1", false), EventOf("b", "1", false)};
  auto plan = AppendPlan::Make(append, 1);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->IsNew(0));
  EXPECT_EQ(plan->Duplicate(0, {}), AppendResult::OfEvent());
  EXPECT_TRUE(plan->IsNew(1));
}

TEST(AppendPlanTest, BytesAreBoundedByTheQuotaAndDuplicatesNeedNone) {
  MatchedEvents append;
  append.events = {EventOf("a"), EventOf("b")};
  const int64_t each = StoredBytes(*append.events[0].event, 0);
  append.max_stored_bytes = 2 * each + 10;
  EXPECT_TRUE(AppendPlan::Make(append, 0)->CountNew(10).ok());
  EXPECT_EQ(ReasonOf(AppendPlan::Make(append, 0)->CountNew(11)), "QUOTA_EXCEEDED");
  auto plan = AppendPlan::Make(append, 0);
  for (const size_t i : {0, 1}) ASSERT_TRUE(plan->SetKnown(i, 1 + i, nullptr).ok());
  EXPECT_TRUE(plan->CountNew(append.max_stored_bytes + 1).ok());
}

TEST(AppendPlanTest, AFullQueueRefuses) {
  const MatchedEvents append = Bounded(3, 5, OverflowPolicy::kReject);
  EXPECT_THAT(DropsOf(append, 2), ElementsAre(false, false, false));
  auto plan = AppendPlan::Make(append, 0);
  ASSERT_TRUE(plan->CountNew(0).ok());
  EXPECT_EQ(ReasonOf(plan->SetPending(1, 3)), "QUEUE_FULL");
}

TEST(AppendPlanTest, AFullQueueDropsTheNewest) {
  const MatchedEvents append = Bounded(3, 5, OverflowPolicy::kDropNewest);
  EXPECT_THAT(DropsOf(append, 2), ElementsAre(false, false, false));
  EXPECT_THAT(DropsOf(append, 4), ElementsAre(false, true, true));
  EXPECT_THAT(DropsOf(append, 9), ElementsAre(true, true, true));
}

TEST(AppendPlanTest, AFullQueueDropsTheOldestStoredOrNew) {
  const MatchedEvents append = Bounded(3, 5, OverflowPolicy::kDropOldest);
  for (const auto& [pending, dropped] : {std::pair(2, 0), {4, 2}, {5, 3}, {9, 3}}) {
    auto plan = AppendPlan::Make(append, 0);
    ASSERT_TRUE(plan->CountNew(0).ok());
    ASSERT_TRUE(plan->SetPending(1, pending).ok());
    EXPECT_EQ(plan->rooms().at(1).drop_stored, dropped) << pending;
    EXPECT_THAT(DropsOf(append, pending), ElementsAre(false, false, false)) << pending;
  }
  // More at once than may wait: of the new ones, too, the last ones stay.
  for (const int64_t pending : {0, 1}) {
    EXPECT_THAT(DropsOf(Bounded(3, 1, OverflowPolicy::kDropOldest), pending),
                ElementsAre(true, true, false));
  }
}

TEST(AppendPlanDeathTest, AskedOutOfOrder) {
  MatchedEvents append;
  append.events = {EventOf("a", "1", false)};
  EXPECT_DEATH((void)AppendPlan::Make(append, 2), "check failed");
  auto plan = AppendPlan::Make(append, 0);
  EXPECT_DEBUG_DEATH((void)plan->Duplicate(0, {}), "");
}

}  // namespace
}  // namespace latchwire
