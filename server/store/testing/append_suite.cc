// Events: numbers, generations, exact contents, ids that come again.
#include <thread>

#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::Field;
using Kind = AppendResult::Kind;

std::vector<Kind> KindsOf(const AppendResult& append) {
  std::vector<Kind> kinds;
  for (const AppendResult::OfEvent& event : append.events) kinds.push_back(event.kind);
  return kinds;
}

TEST_P(StoreConformanceTest, NumbersAreGaplessPerTenant) {
  EXPECT_THAT(Publish({{}, {}}), ElementsAre(1, 2));
  EXPECT_THAT(Publish({{}}, {}, 7), ElementsAre(1));
  EXPECT_THAT(Publish({{}}), ElementsAre(3));
  Reopen();
  EXPECT_THAT(Publish({{}}), ElementsAre(4));
  EXPECT_THAT(Publish({{}, {}}, {}, 7), ElementsAre(2, 3));
}

TEST_P(StoreConformanceTest, FailedAppendsUseNoNumbers) {
  AppendPublished stale = Publishing({{}, {}});
  stale.generation += 1;
  const auto mutations = WriteAll({Publishing({{}}), stale, Publishing({{}})});
  EXPECT_EQ(ResultOf<AppendPublished>(mutations[0]).events[0].number, 1);
  EXPECT_THAT(mutations[1].status(), HasReason("STALE_GENERATION"));
  EXPECT_EQ(ResultOf<AppendPublished>(mutations[2]).events[0].number, 2);
}

TEST_P(StoreConformanceTest, EventsComeBackExactly) {
  Event sent;
  sent.id = "order #1 of <Caf\xc3\xa9>";
  sent.type = "log.access_granted_by_api_call";
  sent.canonical_type = "access.granted";
  sent.source = "panel \xe2\x82\xac";
  sent.subject = std::string("door\0one", 8);
  sent.attributes = {{"origin", "x"}, {"empty", ""}};
  sent.occur_time = absl::UnixEpoch() + absl::Microseconds(1);
  sent.receive_time = kNow + absl::Microseconds(123456);
  sent.priority = 9;
  sent.expire_time = kNow + absl::Hours(1);
  sent.data = "{ \"a\" : 1.00, \"a\":123456789012345678901234567890, \"b\":\"<\\/\" }\n";
  Event binary;
  binary.id = "00000000-0000-0000-0000-000000000000";
  binary.type = "x";
  binary.is_json = false;
  binary.data = std::string("\0\xff\x80{}", 5);
  binary.content_type = "application/x-thing";
  Event empty;
  empty.id = "0190A000-0000-7000-8000-00000000ABCD";  // not the canonical form of a UUID
  empty.type = "y";
  empty.is_json = false;

  AppendPublished append = Publishing({{}, {}, {}});
  *append.events[0].event = sent;
  *append.events[1].event = binary;
  *append.events[2].event = empty;
  ASSERT_EQ(Apply(append).status, absl::OkStatus());
  Reopen();
  int64_t number = 0;
  for (Event* event : {&sent, &binary, &empty}) {
    event->number = ++number;
    const auto stored = store().GetEvent(kDefaultTenant, number);
    ASSERT_EQ(stored.status(), absl::OkStatus());
    EXPECT_EQ(Describe(*stored), Describe(*event));
    EXPECT_EQ(store().FindEvent(kDefaultTenant, event->id).value_or(0), number);
  }
  EXPECT_THAT(store().GetEvent(kDefaultTenant, 4).status(), HasReason("EVENT_NOT_FOUND"));
  EXPECT_THAT(store().GetEvent(2, 1).status(), HasReason("EVENT_NOT_FOUND"));
  EXPECT_THAT(store().FindEvent(2, sent.id).status(), HasReason("EVENT_NOT_FOUND"));
  EXPECT_THAT(store().FindEvent(kDefaultTenant, "no").status(), HasReason("EVENT_NOT_FOUND"));
}

TEST_P(StoreConformanceTest, TimesKeepMicroseconds) {
  AppendPublished append = Publishing({{}});
  append.events[0].event->occur_time = kNow + absl::Nanoseconds(1999);
  append.events[0].event->receive_time = absl::FromUnixMicros(-5) + absl::Nanoseconds(1);
  Apply(append);
  const auto stored = store().GetEvent(kDefaultTenant, 1);
  ASSERT_EQ(stored.status(), absl::OkStatus());
  EXPECT_EQ(stored->occur_time, kNow + absl::Microseconds(1));
  EXPECT_EQ(stored->receive_time, absl::FromUnixMicros(-5));
}

TEST_P(StoreConformanceTest, EveryChangeOfWebhooksMakesOlderMatchesStale) {
  const WebhookKey webhook = MakeWebhook();
  AppendPublished before_update = Publishing({{}}, {webhook});
  Webhook changed = store().LoadWebhooks({}, 1)->at(0);
  changed.url = "https://example.com/other";
  EXPECT_EQ(Apply(UpdateWebhook{changed}).status, absl::OkStatus());
  EXPECT_THAT(Apply(before_update).status, HasReason("STALE_GENERATION"));

  AppendPublished before_delete = Publishing({{}}, {webhook});
  EXPECT_EQ(Apply(DeleteWebhook{webhook}).status, absl::OkStatus());
  EXPECT_THAT(Apply(before_delete).status, HasReason("STALE_GENERATION"));

  AppendPublished before_create = Publishing({{}});
  AppendPublished elsewhere = Publishing({{}}, {}, 2);
  MakeWebhook();
  EXPECT_THAT(Apply(before_create).status, HasReason("STALE_GENERATION"));
  EXPECT_EQ(Apply(elsewhere).status, absl::OkStatus());  // another tenant's webhooks do not matter
  EXPECT_THAT(Publish({{}}), ElementsAre(1));
}

TEST_P(StoreConformanceTest, AChangeInTheSameWriteMakesStaleToo) {
  const AppendPublished append = Publishing({{}});
  const auto mutations = WriteAll({CreateWebhook{SampleWebhook(kDefaultTenant)}, append});
  EXPECT_EQ(mutations[0].status(), absl::OkStatus());
  EXPECT_THAT(mutations[1].status(), HasReason("STALE_GENERATION"));
}

TEST_P(StoreConformanceTest, AKnownIdIsADuplicate) {
  const WebhookKey webhook = MakeWebhook();
  for (const char* id : {"mine-1", "0190a000-0000-7000-8000-aaaaaaaaaaaa"}) {
    const int64_t number = PublishOne({id}, {webhook});
    now_ += absl::Minutes(1);
    const auto again = Apply(Publishing({{id}, {}}, {webhook}));
    EXPECT_EQ(again.status, absl::OkStatus());
    EXPECT_THAT(KindsOf(again), ElementsAre(Kind::kDuplicate, Kind::kStored));
    EXPECT_EQ(again.events[0].number, number);
    EXPECT_EQ(again.events[1].number, number + 1);
    EXPECT_EQ(store().FindEvent(kDefaultTenant, id).value_or(0), number);
  }
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1, 2, 3, 4));
  // Ids are each tenant's own.
  EXPECT_THAT(KindsOf(Apply(Publishing({{"mine-1"}}, {}, 2))), ElementsAre(Kind::kStored));
}

TEST_P(StoreConformanceTest, TheSameIdTwiceInOneMutation) {
  const WebhookKey webhook = MakeWebhook();
  const auto append = Apply(Publishing({{"a"}, {"b"}, {"a"}}, {webhook}));
  EXPECT_EQ(append.status, absl::OkStatus());
  EXPECT_THAT(KindsOf(append), ElementsAre(Kind::kStored, Kind::kStored, Kind::kDuplicate));
  EXPECT_EQ(append.events[2].number, 1);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1, 2));

  const auto again = Apply(Publishing({{"a"}, {"c"}, {"c"}, {"a"}}, {webhook}));
  EXPECT_THAT(KindsOf(again),
              ElementsAre(Kind::kDuplicate, Kind::kStored, Kind::kDuplicate, Kind::kDuplicate));
  EXPECT_EQ(again.events[3].number, 1);
  EXPECT_EQ(again.events[2].number, 3);

  EventSpec other{"d"};
  other.data = "2";
  EXPECT_THAT(Apply(Publishing({{"d"}, other})).status, HasReason("EVENT_ID_CONFLICT"));
  EXPECT_EQ(store().FindEvent(kDefaultTenant, "d").ok(), false);
}

TEST_P(StoreConformanceTest, TwoPublishersRaceWithOneIdInOneWrite) {
  const WebhookKey webhook = MakeWebhook();
  const auto mutations =
      WriteAll({Publishing({{"same"}}, {webhook}), Publishing({{"same"}}, {webhook})});
  EXPECT_THAT(KindsOf(ResultOf<AppendPublished>(mutations[0])), ElementsAre(Kind::kStored));
  EXPECT_THAT(KindsOf(ResultOf<AppendPublished>(mutations[1])), ElementsAre(Kind::kDuplicate));
  EXPECT_EQ(ResultOf<AppendPublished>(mutations[1]).events[0].number, 1);
  EXPECT_THAT(DueNumbers(webhook), ElementsAre(1));
}

TEST_P(StoreConformanceTest, TwoPublishersRaceWithOneIdOnTwoHandles) {
  constexpr int kIds = 50;
  const auto other = OpenAnother();
  const int64_t generation = GenerationOf(kDefaultTenant);
  std::array<std::vector<AppendPublished>, 2> appends;
  std::array<std::vector<Applied<AppendPublished>>, 2> applied;
  for (auto& of_thread : appends) {
    for (int i = 0; i < kIds; ++i) {
      of_thread.push_back(Publishing({{"id-" + std::to_string(i)}}));
      of_thread.back().generation = generation;
    }
  }
  const auto publish = [&](Store* store, int thread) {
    for (const AppendPublished& append : appends[thread]) {
      applied[thread].push_back(ApplyTo(*store, append));
    }
  };
  std::thread second(publish, other.get(), 1);
  publish(&store(), 0);
  second.join();
  for (int i = 0; i < kIds; ++i) {
    const AppendResult::OfEvent& one = applied[0][i].events.at(0);
    const AppendResult::OfEvent& two = applied[1][i].events.at(0);
    EXPECT_EQ((one.kind == Kind::kStored) + (two.kind == Kind::kStored), 1);
    EXPECT_EQ(one.number, two.number);
  }
  EXPECT_EQ(store().ListEvents(kDefaultTenant, {}, 0, 1000)->events.size(), kIds);
}

TEST_P(StoreConformanceTest, OtherContentUnderAKnownIdIsAConflict) {
  using Change = void (*)(Event&);
  const Change conflicts[] = {
      [](Event& e) { e.type = "other"; },
      [](Event& e) { e.canonical_type = "door.opened"; },
      [](Event& e) { e.source = "other"; },
      [](Event& e) { e.subject = "other"; },
      [](Event& e) { e.attributes["x"] = "1"; },
      [](Event& e) { e.data += " "; },
      [](Event& e) { e.content_type = "application/vnd.x+json"; },
      [](Event& e) {
        e.is_json = false;
        e.content_type = "application/json";
      },
      [](Event& e) { e.occur_time = absl::FromUnixSeconds(5); },
  };
  const Change harmless[] = {
      [](Event& e) { e.priority = 9; },
      [](Event& e) { e.expire_time = absl::FromUnixSeconds(2'000'000'000); },
      [](Event& e) { e.receive_time += absl::Seconds(9); },
      [](Event& e) { e.content_type = "application/json"; },  // what it is if left empty
      [](Event& e) { e.occur_time = e.receive_time; },        // what it is if left out
  };
  PublishOne({"mine"}, {});
  for (size_t i = 0; i < std::size(conflicts); ++i) {
    AppendPublished append = Publishing({{"fresh"}, {"mine"}});
    conflicts[i](*append.events[1].event);
    const absl::Status conflict = Apply(append).status;
    EXPECT_THAT(conflict, HasReason("EVENT_ID_CONFLICT")) << i;
    EXPECT_EQ(conflict.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_FALSE(store().FindEvent(kDefaultTenant, "fresh").ok());
  }
  for (size_t i = 0; i < std::size(harmless); ++i) {
    AppendPublished append = Publishing({{"mine"}});
    harmless[i](*append.events[0].event);
    EXPECT_THAT(KindsOf(Apply(append)), ElementsAre(Kind::kDuplicate)) << i;
  }
  EXPECT_THAT(Publish({{}}), ElementsAre(2));
}

TEST_P(StoreConformanceTest, IdsAreKnownForEightDays) {
  now_ = kNow + absl::Hours(13);
  PublishOne({"mine"}, {});
  // A day at a time, so that daily tables come and go in between.
  for (int day = 1; day <= 8; ++day) {
    now_ += absl::Hours(24);
    EXPECT_THAT(KindsOf(Apply(Publishing({{"mine"}}))), ElementsAre(Kind::kDuplicate)) << day;
    Publish({{"filler-" + std::to_string(day)}});
  }
  now_ += absl::Hours(24);
  EventSpec other{"mine"};
  other.data = "\"reused\"";
  const auto reused = Apply(Publishing({other}));
  EXPECT_THAT(KindsOf(reused), ElementsAre(Kind::kStored));
  EXPECT_EQ(reused.events[0].number, 10);
  EXPECT_EQ(store().FindEvent(kDefaultTenant, "mine").value_or(0), 10);
  Reopen();
  EXPECT_THAT(KindsOf(Apply(Publishing({other}))), ElementsAre(Kind::kDuplicate));
}

TEST_P(StoreConformanceTest, IdsOfTheServersOwnAreFound) {
  AppendPublished append = Publishing({{}});
  ASSERT_FALSE(append.events[0].deduplicate);
  Apply(append);
  const std::string id = append.events[0].event->id;
  EXPECT_EQ(store().FindEvent(kDefaultTenant, id).value_or(0), 1);
  EXPECT_THAT(KindsOf(Apply(Publishing({{id}}))), ElementsAre(Kind::kDuplicate));
}

TEST_P(StoreConformanceTest, TargetsBecomeDeliveries) {
  const WebhookKey plain = MakeWebhook();
  const WebhookKey ordered = MakeWebhook(WebhookOrdering::kBySubject);
  AppendPublished append = Publishing({{}}, {plain, ordered});
  append.events[0].event->priority = 7;
  append.events[0].targets[0].expire_time = now_ + absl::Hours(2);
  Apply(append);
  Publish({{}});  // to none

  const Delivery first = DeliveryAt({plain, 1});
  EXPECT_EQ(first.state, DeliveryState::kPending);
  EXPECT_EQ(first.attempt_count, 0);
  EXPECT_EQ(first.create_time, now_);
  EXPECT_EQ(first.due_time, now_);
  EXPECT_EQ(first.expire_time, now_ + absl::Hours(2));
  EXPECT_EQ(first.priority, 7);
  EXPECT_EQ(first.order_key, "");
  const Delivery second = DeliveryAt({ordered, 1});
  EXPECT_EQ(second.expire_time, absl::InfiniteFuture());
  EXPECT_EQ(second.order_key, OrderKeyOf("panel-1", "door-1"));
  EXPECT_THAT(store().GetDelivery({plain, 2}).status(), HasReason("DELIVERY_NOT_FOUND"));
  EXPECT_THAT(store().GetDelivery({{2, plain.uid}, 1}).status(), HasReason("DELIVERY_NOT_FOUND"));
}

}  // namespace
}  // namespace latchwire
