// Lists: order, filters, and pages while others write.
#include <atomic>
#include <thread>

#include "server/store/driver/driver_rules.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using NumberAndUid = std::pair<int64_t, int64_t>;

std::vector<int64_t> NumbersOf(const EventPage& page) {
  std::vector<int64_t> numbers;
  for (const Event& event : page.events) numbers.push_back(event.number);
  return numbers;
}

std::vector<NumberAndUid> KeysOf(const DeliveryPage& page) {
  std::vector<NumberAndUid> keys;
  for (const PendingDelivery& each : page.deliveries) {
    keys.emplace_back(each.delivery.key.event_number, each.delivery.key.webhook.uid);
  }
  return keys;
}

std::vector<int64_t> AllEvents(Store& store, const EventFilter& filter, int limit) {
  std::vector<int64_t> all;
  int64_t before = 0;
  do {
    const auto page = store.ListEvents(kDefaultTenant, filter, before, limit);
    EXPECT_EQ(page.status(), absl::OkStatus());
    EXPECT_LE(page->events.size(), limit);
    for (const int64_t number : NumbersOf(*page)) all.push_back(number);
    before = page->next_before;
  } while (before != 0);
  return all;
}

std::vector<NumberAndUid> AllDeliveries(Store& store, const DeliveryFilter& filter, int limit) {
  std::vector<NumberAndUid> all;
  DeliveryCursor after;
  do {
    const auto page = store.ListDeliveries(kDefaultTenant, filter, after, limit);
    EXPECT_EQ(page.status(), absl::OkStatus());
    EXPECT_LE(page->deliveries.size(), limit);
    for (const NumberAndUid& key : KeysOf(*page)) all.push_back(key);
    after = page->next;
  } while (after);
  return all;
}

TEST_P(StoreConformanceTest, EventsAreListedNewestFirst) {
  Publish({{}, {}, {}, {}, {}});
  Publish({{}}, {}, 2);
  for (const int limit : {1, 2, 3, 5, 6}) {
    EXPECT_THAT(AllEvents(store(), {}, limit), ElementsAre(5, 4, 3, 2, 1)) << limit;
  }
  EXPECT_THAT(NumbersOf(*store().ListEvents(kDefaultTenant, {}, 3, 10)), ElementsAre(2, 1));
  EXPECT_EQ(Describe(store().ListEvents(kDefaultTenant, {}, 3, 1)->events.at(0)),
            Describe(*store().GetEvent(kDefaultTenant, 2)));
  EXPECT_THAT(NumbersOf(*store().ListEvents(3, {}, 0, 10)), IsEmpty());
}

TEST_P(StoreConformanceTest, EventsAreFiltered) {
  Publish(
      {{"", "a.b", "p1", "d1"}, {"", "a.b", "p2", "d1"}, {"", "c", "p1", "d2"}, {"", "c", "p1"}});
  EXPECT_THAT(AllEvents(store(), {"a.b", "", ""}, 10), ElementsAre(2, 1));
  EXPECT_THAT(AllEvents(store(), {"", "p1", ""}, 1), ElementsAre(4, 3, 1));
  EXPECT_THAT(AllEvents(store(), {"", "p1", "d1"}, 10), ElementsAre(1));
  EXPECT_THAT(AllEvents(store(), {"c", "p1", "d2"}, 10), ElementsAre(3));
  EXPECT_THAT(AllEvents(store(), {"x", "", ""}, 10), IsEmpty());
}

TEST_P(StoreConformanceTest, AFilterThatFitsLittleStillEndsSoon) {
  const EventSpec rare{"", "rare"};
  Publish({rare});
  int written = 1;
  while (written < 2 * kMaxRowsPerPage) {
    Publish(std::vector<EventSpec>(512));
    written += 512;
  }
  const auto first = store().ListEvents(kDefaultTenant, {"rare", "", ""}, 0, 10);
  ASSERT_EQ(first.status(), absl::OkStatus());
  EXPECT_THAT(first->events, IsEmpty());
  EXPECT_NE(first->next_before, 0);
  EXPECT_THAT(AllEvents(store(), {"rare", "", ""}, 10), ElementsAre(1));
}

TEST_P(StoreConformanceTest, DeliveriesAreListedNewestFirst) {
  const WebhookKey one = MakeWebhook();
  const WebhookKey two = MakeWebhook();
  Publish({{}, {}}, {one, two});
  Publish({{}});
  Publish({{}}, {two});
  Record(OutcomeOf({one, 2}, 1, DeliveryState::kSucceeded));
  Record(OutcomeOf({two, 1}, 1, DeliveryState::kDead));

  const auto all = {NumberAndUid(4, 2), NumberAndUid(2, 2), NumberAndUid(2, 1), NumberAndUid(1, 2),
                    NumberAndUid(1, 1)};
  DeliveryFilter by_webhook;
  by_webhook.webhook_uid = 1;
  DeliveryFilter by_event;
  by_event.event_number = 2;
  DeliveryFilter by_both = by_event;
  by_both.webhook_uid = 2;
  DeliveryFilter pending;
  pending.state = DeliveryState::kPending;
  DeliveryFilter dead_of_two;
  dead_of_two.state = DeliveryState::kDead;
  dead_of_two.webhook_uid = 2;
  for (const int limit : {1, 2, 3, 5, 10}) {
    EXPECT_EQ(AllDeliveries(store(), {}, limit), std::vector<NumberAndUid>(all)) << limit;
    EXPECT_THAT(AllDeliveries(store(), by_webhook, limit),
                ElementsAre(NumberAndUid(2, 1), NumberAndUid(1, 1)));
    EXPECT_THAT(AllDeliveries(store(), by_event, limit),
                ElementsAre(NumberAndUid(2, 2), NumberAndUid(2, 1)));
    EXPECT_THAT(AllDeliveries(store(), by_both, limit), ElementsAre(NumberAndUid(2, 2)));
    EXPECT_THAT(AllDeliveries(store(), pending, limit),
                ElementsAre(NumberAndUid(4, 2), NumberAndUid(2, 2), NumberAndUid(1, 1)));
    EXPECT_THAT(AllDeliveries(store(), dead_of_two, limit), ElementsAre(NumberAndUid(1, 2)));
  }
  // A cursor of one event continues in the middle of it.
  EXPECT_THAT(KeysOf(*store().ListDeliveries(kDefaultTenant, by_webhook, NumberAndUid(2, 2), 10)),
              ElementsAre(NumberAndUid(2, 1), NumberAndUid(1, 1)));
  EXPECT_THAT(KeysOf(*store().ListDeliveries(kDefaultTenant, by_webhook, NumberAndUid(2, 1), 10)),
              ElementsAre(NumberAndUid(1, 1)));
  EXPECT_THAT(KeysOf(*store().ListDeliveries(2, {}, {}, 10)), IsEmpty());
  by_event.event_number = 99;
  EXPECT_THAT(AllDeliveries(store(), by_event, 10), IsEmpty());

  const auto listed = store().ListDeliveries(kDefaultTenant, {}, {}, 1)->deliveries.at(0);
  EXPECT_EQ(Describe(listed.delivery), Describe(DeliveryAt({two, 4})));
  Event without_data = *store().GetEvent(kDefaultTenant, 4);
  without_data.data.clear();
  EXPECT_EQ(Describe(*listed.event), Describe(without_data));
  EXPECT_EQ(Describe(*store().GetDelivery({two, 4})->event), Describe(without_data));
}

TEST_P(StoreConformanceTest, AStateThatIsRareStillEndsSoon) {
  const WebhookKey webhook = MakeWebhook();
  PublishOne({}, {webhook});
  Record(OutcomeOf({webhook, 1}, 1, DeliveryState::kDead));
  for (int written = 1; written < 2 * kMaxRowsPerPage; written += 512) {
    Publish(std::vector<EventSpec>(512), {webhook});
  }
  DeliveryFilter dead;
  dead.state = DeliveryState::kDead;
  for (const bool by_webhook : {false, true}) {
    if (by_webhook) dead.webhook_uid = webhook.uid;
    const auto first = store().ListDeliveries(kDefaultTenant, dead, {}, 10);
    ASSERT_EQ(first.status(), absl::OkStatus());
    EXPECT_THAT(first->deliveries, IsEmpty());
    EXPECT_TRUE(first->next.has_value());
    EXPECT_THAT(AllDeliveries(store(), dead, 10), ElementsAre(NumberAndUid(1, 1)));
  }
}

TEST_P(StoreConformanceTest, WebhooksAreListedByKey) {
  for (int i = 0; i < 5; ++i) MakeWebhook();
  MakeWebhook(WebhookOrdering::kNone, 2);
  Apply(DeleteWebhook{{kDefaultTenant, 2}});
  for (const int limit : {1, 2, 10}) {
    std::vector<WebhookKey> keys;
    WebhookKey after;
    while (true) {
      const auto page = store().LoadWebhooks(after, limit);
      ASSERT_EQ(page.status(), absl::OkStatus());
      if (page->empty()) break;
      for (const Webhook& webhook : *page) keys.push_back(webhook.key);
      after = keys.back();
    }
    EXPECT_THAT(keys, ElementsAre(WebhookKey{1, 1}, WebhookKey{1, 3}, WebhookKey{1, 4},
                                  WebhookKey{1, 5}, WebhookKey{2, 1}));
  }
}

TEST_P(StoreConformanceTest, PagesUnderWritesSkipAndRepeatNothing) {
  const WebhookKey webhook = MakeWebhook();
  constexpr int64_t kBefore = 200;
  Publish(std::vector<EventSpec>(kBefore), {webhook});
  const int64_t generation = GenerationOf(kDefaultTenant);
  std::vector<AppendPublished> appends;
  for (int i = 0; i < 100; ++i) {
    appends.push_back(Publishing(std::vector<EventSpec>(3), {webhook}));
    appends.back().generation = generation;
  }
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (const AppendPublished& append : appends) Apply(append);
    written = true;
  });
  bool last_round = false;
  do {
    last_round = written;
    const std::vector<int64_t> events = AllEvents(store(), {}, 7);
    EXPECT_GE(events.size(), kBefore);
    for (size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i], events.size() - i);
    const std::vector<NumberAndUid> deliveries = AllDeliveries(store(), {}, 7);
    EXPECT_GE(deliveries.size(), events.size());
    for (size_t i = 0; i < deliveries.size(); ++i) {
      ASSERT_EQ(deliveries[i].first, deliveries.size() - i);
    }
  } while (!last_round);
  writer.join();
}

}  // namespace
}  // namespace latchwire
