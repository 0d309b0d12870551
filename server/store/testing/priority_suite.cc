// Priorities in loads: higher ones first, none starves; and loads that are bounded by their data.
#include "absl/strings/str_cat.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

// Sets the priorities of an append's events, in their order.
AppendPublished At(AppendPublished append, const std::vector<int>& priorities) {
  for (size_t i = 0; i < priorities.size(); ++i) append.events[i].event->priority = priorities[i];
  return append;
}

std::vector<int64_t> NumbersOf(const DueDeliveries& due) {
  std::vector<int64_t> numbers;
  for (const PendingDelivery& each : due.deliveries) {
    numbers.push_back(each.delivery.key.event_number);
  }
  return numbers;
}

TEST_P(StoreConformanceTest, HigherPrioritiesAreLoadedFirst) {
  const WebhookKey webhook = MakeWebhook();
  Apply(At(Publishing({{}, {}, {}, {}, {}, {}}, {webhook}), {4, 9, 0, 9, 4, 7}));
  auto due = *store().LoadDue(webhook, now_, 10, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(2, 4, 6, 1, 5, 3));
  EXPECT_FALSE(due.more);
  EXPECT_EQ(due.deliveries[0].delivery.priority, 9);
  due = *store().LoadDue(webhook, now_, 6, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(2, 4, 6, 1, 5, 3));
  EXPECT_FALSE(due.more);
  due = *store().LoadDue(webhook, now_, 10, {2, 6, 1});
  EXPECT_THAT(NumbersOf(due), ElementsAre(4, 5, 3));
  due = *store().LoadDue(webhook, now_, 1, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(2));
  EXPECT_TRUE(due.more);

  // The next due time is the earliest over all priorities.
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kPending, absl::Seconds(50)));
  Record(OutcomeOf({webhook, 3}, 1, DeliveryState::kPending, absl::Seconds(40)));
  Record(OutcomeOf({webhook, 6}, 1, DeliveryState::kPending, absl::Seconds(60)));
  due = *store().LoadDue(webhook, now_, 10, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(4, 1, 5));
  EXPECT_EQ(due.next_due, now_ + absl::Seconds(40));
  const auto work = store().LoadWork({}, 10);
  ASSERT_EQ(work->size(), 1);
  EXPECT_EQ(work->at(0).first_due, now_);
  due = *store().LoadDue(webhook, now_ + absl::Hours(1), 10, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(4, 2, 6, 1, 5, 3));
}

TEST_P(StoreConformanceTest, AnEighthIsForLowerPriorities) {
  const WebhookKey webhook = MakeWebhook();
  // Lowest first: 1 to 3 at 0, 4 to 6 at 4, and twenty at 9.
  Apply(At(Publishing({{}, {}, {}}, {webhook}), {0, 0, 0}));
  now_ += absl::Seconds(1);
  Apply(At(Publishing({{}, {}, {}}, {webhook}), {4, 4, 4}));
  now_ += absl::Seconds(1);
  Apply(At(Publishing(std::vector<EventSpec>(20), {webhook}), std::vector<int>(20, 9)));

  std::vector<int64_t> expected;
  for (int64_t number = 7; number < 7 + 14; ++number) expected.push_back(number);
  expected.insert(expected.end(), {1, 2});  // they have waited longest
  auto due = *store().LoadDue(webhook, now_, 16, {});
  EXPECT_THAT(NumbersOf(due), ElementsAreArray(expected));
  EXPECT_TRUE(due.more);
  due = *store().LoadDue(webhook, now_, 16, {1, 2, 3});
  expected[14] = 4;
  expected[15] = 5;
  EXPECT_THAT(NumbersOf(due), ElementsAreArray(expected));
  // What the lower ones do not need, the highest gets.
  due = *store().LoadDue(webhook, now_, 16, {2, 3, 4, 5, 6});
  expected[14] = 7 + 14;
  expected[15] = 1;
  EXPECT_THAT(NumbersOf(due), ElementsAreArray(expected));
  // Even a short load leaves one to them.
  due = *store().LoadDue(webhook, now_, 3, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(7, 8, 1));
}

TEST_P(StoreConformanceTest, UnderAnEndlessLoadNoPriorityStarves) {
  const WebhookKey webhook = MakeWebhook();
  Apply(At(Publishing(std::vector<EventSpec>(10), {webhook}), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  std::set<int64_t> served;
  for (int round = 0; round < 20; ++round) {
    now_ += absl::Seconds(1);
    Apply(At(Publishing(std::vector<EventSpec>(16), {webhook}),
             {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 8, 8, 5, 5}));
    RecordOutcomes record;
    const auto due = store().LoadDue(webhook, now_, 8, {});
    ASSERT_EQ(due->deliveries.size(), 8);
    for (const PendingDelivery& each : due->deliveries) {
      served.insert(each.delivery.key.event_number);
      record.outcomes.push_back(OutcomeOf(each.delivery.key, 1, DeliveryState::kSucceeded));
    }
    EXPECT_EQ(Apply(record).status, absl::OkStatus());
  }
  for (int64_t number = 1; number <= 10; ++number) EXPECT_TRUE(served.contains(number)) << number;
}

TEST_P(StoreConformanceTest, ALoadIsBoundedByItsData) {
  const WebhookKey plain = MakeWebhook();
  const WebhookKey ordered = MakeWebhook(WebhookOrdering::kBySubject);
  std::vector<EventSpec> specs(4);
  for (size_t i = 0; i < specs.size(); ++i) {
    specs[i].subject = absl::StrCat("door-", i);
    specs[i].data = absl::StrCat("\"", std::string(kMaxLoadBytes / 2, 'x'), "\"");
  }
  Publish(specs, {plain, ordered});
  auto due = *store().LoadDue(plain, now_, 10, {});
  EXPECT_THAT(NumbersOf(due), ElementsAre(1, 2));
  EXPECT_TRUE(due.more);
  due = *store().LoadDue(plain, now_, 10, {1, 2});
  EXPECT_THAT(NumbersOf(due), ElementsAre(3, 4));
  EXPECT_FALSE(due.more);
  due = *store().LoadHeads(ordered, now_, 10, {});
  EXPECT_EQ(due.deliveries.size(), 2);
  EXPECT_TRUE(due.more);
}

TEST_P(StoreConformanceTest, ARetryKeepsItsPriorityAndSaysWhen) {
  const WebhookKey webhook = MakeWebhook();
  Apply(At(Publishing({{}, {}}, {webhook}), {2, 8}));
  Record(OutcomeOf({webhook, 2}, 1, DeliveryState::kDead));
  EXPECT_EQ(DeliveryAt({webhook, 2}).retry_time, absl::InfinitePast());
  now_ += absl::Seconds(9);
  RetryDelivery retry;
  retry.key = {webhook, 2};
  retry.now = now_ + absl::Nanoseconds(1);
  EXPECT_EQ(Apply(retry).delivery.retry_time, now_);
  EXPECT_EQ(DeliveryAt({webhook, 2}).retry_time, now_);
  EXPECT_EQ(DeliveryAt({webhook, 2}).priority, 8);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(2, 1));
  Record(OutcomeOf({webhook, 2}, 2, DeliveryState::kPending));
  EXPECT_EQ(DeliveryAt({webhook, 2}).retry_time, now_);
}

}  // namespace
}  // namespace latchwire
