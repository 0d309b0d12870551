#include "core/domain/matching.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/random.h"
#include "core/base/testing/source_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Event MakeEvent(std::string type, std::string source = "", std::string subject = "",
                std::string canonical_type = "") {
  Event event;
  event.type = std::move(type);
  event.source = std::move(source);
  event.subject = std::move(subject);
  event.canonical_type = std::move(canonical_type);
  return event;
}

std::shared_ptr<const Webhook> MakeWebhook(int64_t uid, std::vector<EventMatch> any_of,
                                           WebhookState state = WebhookState::kActive) {
  auto webhook = std::make_shared<Webhook>();
  webhook->key = {kDefaultTenant, uid};
  webhook->any_of = std::move(any_of);
  webhook->state = state;
  return webhook;
}

std::vector<int64_t> Uids(const std::vector<std::shared_ptr<const Webhook>>& webhooks) {
  std::vector<int64_t> uids;
  for (const auto& webhook : webhooks) uids.push_back(webhook->key.uid);
  return uids;
}

nlohmann::json Vectors() {
  return nlohmann::json::parse(std::ifstream(SourcePath("tests/vectors/matching.json")));
}

TEST(TypeFits, Vectors) {
  const auto vectors = Vectors()["types"];
  ASSERT_GE(vectors.size(), 20);
  for (const auto& c : vectors) {
    EXPECT_EQ(TypeFits(c["pattern"].get<std::string>(), c["type"].get<std::string>()),
              c["fits"].get<bool>())
        << c;
  }
}

TEST(Fits, VectorsAloneAndThroughTheIndex) {
  const auto vectors = Vectors()["matches"];
  ASSERT_GE(vectors.size(), 20);
  for (const auto& c : vectors) {
    std::vector<EventMatch> any_of;
    for (const auto& m : c["any_of"]) {
      any_of.push_back(
          {m.value("type_pattern", ""), m.value("source", ""), m.value("subject", "")});
    }
    const auto& e = c["event"];
    const Event event = MakeEvent(e.value("type", ""), e.value("source", ""),
                                  e.value("subject", ""), e.value("canonical_type", ""));
    const auto webhook = MakeWebhook(1, any_of);
    EXPECT_EQ(Fits(*webhook, event), c["fits"].get<bool>()) << c;
    MatchIndex index;
    index.Put(webhook);
    EXPECT_EQ(index.Find(event).size(), c["fits"].get<bool>() ? 1 : 0) << c;
  }
}

TEST(Fits, OperationalEventsGoOnlyToThoseWhoAskForThem) {
  const struct {
    std::vector<EventMatch> any_of;
    bool fits;
  } cases[] = {
      {{}, false},
      {{{"", "", ""}}, false},
      {{{"*", "", ""}}, false},
      {{{"*.*.*", "", ""}}, false},
      {{{"*.delivery.dead", "", ""}}, false},
      {{{"", "latchwire", ""}}, false},
      {{{"latchwire.*.*", "", ""}}, true},
      {{{"latchwire.delivery.dead", "", ""}}, true},
      {{{"*", "", ""}, {"latchwire.delivery.*", "latchwire", ""}}, true},
      {{{"latchwire.delivery.*", "panel", ""}}, false},
      {{{"latchwire.webhook.*", "", ""}}, false},
      {{{"latchwire.*", "", ""}}, false},
  };
  const Event event = MakeEvent("latchwire.delivery.dead", "latchwire", "webhooks/1");
  MatchIndex index;
  // So that every shape is in use.
  index.Put(MakeWebhook(9, {{"*", "", ""}, {"*.*.*", "", ""}, {"a.*.*", "", ""}}));
  for (const auto& [any_of, fits] : cases) {
    const auto webhook = MakeWebhook(1, any_of);
    EXPECT_EQ(Fits(*webhook, event), fits) << (any_of.empty() ? "" : any_of[0].type_pattern);
    index.Put(webhook);
    EXPECT_EQ(index.Find(event).size(), fits ? 1 : 0);
  }
  // What asks for them gets nothing else by that.
  EXPECT_FALSE(Fits(*MakeWebhook(1, {{"latchwire.*.*", "", ""}}), MakeEvent("a.b.c")));
  EXPECT_FALSE(IsOperationalType("latchwires.x"));
  EXPECT_FALSE(IsOperationalType(""));
  EXPECT_TRUE(IsOperationalType("latchwire.*"));
}

TEST(MatchIndex, GivesEachWebhookOnceByAscendingUid) {
  MatchIndex index;
  index.Put(MakeWebhook(7, {}));
  index.Put(MakeWebhook(3, {{"log.*", "", ""},
                            {"log.a", "", ""},
                            {"*", "", ""},
                            {"", "p", ""},
                            {"log.*", "", ""},
                            {"door.*", "p", "d"}}));
  index.Put(MakeWebhook(5, {{"log.b", "", ""}}));
  index.Put(MakeWebhook(4, {{"door.opened", "", ""}}));
  EXPECT_THAT(Uids(index.Find(MakeEvent("log.a", "p", "d", "door.opened"))), ElementsAre(3, 4, 7));
  EXPECT_THAT(Uids(index.Find(MakeEvent("log.b"))), ElementsAre(3, 5, 7));
}

TEST(MatchIndex, PutReplacesAndRemoveRemoves) {
  MatchIndex index;
  index.Put(MakeWebhook(1, {{"a.*", "s", ""}, {"a.*", "s", ""}}));
  index.Put(MakeWebhook(1, {{"b.*", "", "t"}}));
  EXPECT_EQ(index.size(), 1);
  EXPECT_THAT(Uids(index.Find(MakeEvent("a.x", "s", "t"))), IsEmpty());
  EXPECT_THAT(Uids(index.Find(MakeEvent("b.x", "s", "t"))), ElementsAre(1));
  index.Remove(1);
  index.Remove(1);
  index.Remove(2);
  EXPECT_EQ(index.size(), 0);
  MatchIndex::FindStats stats;
  EXPECT_THAT(index.Find(MakeEvent("b.x", "s", "t"), &stats), IsEmpty());
  EXPECT_EQ(stats.keys_looked_up, 0);  // nothing is left behind, not even shapes
}

TEST(MatchIndex, OnlyDisabledIsLeftOut) {
  MatchIndex index;
  index.Put(MakeWebhook(1, {}, WebhookState::kActive));
  index.Put(MakeWebhook(2, {}, WebhookState::kDisabled));
  index.Put(MakeWebhook(3, {}, WebhookState::kPaused));
  index.Put(MakeWebhook(4, {}, WebhookState::kSuspended));
  EXPECT_THAT(Uids(index.Find(MakeEvent("a"))), ElementsAre(1, 3, 4));
  index.Put(MakeWebhook(2, {}, WebhookState::kActive));
  index.Put(MakeWebhook(1, {}, WebhookState::kDisabled));
  EXPECT_THAT(Uids(index.Find(MakeEvent("a"))), ElementsAre(2, 3, 4));
  index.Remove(1);
  EXPECT_EQ(index.size(), 3);
}

// The reference is Fits() on every webhook, over a small world in which much coincides.
TEST(MatchIndex, FindsWhatFitsFindsThroughRandomChanges) {
  SeededRandom random(20240229);
  const auto pick = [&random](std::vector<std::string> from) {
    return from[random.NextUint64() % from.size()];
  };
  const auto source = [&] { return pick({"", "", "s1", "s2"}); };
  const auto subject = [&] { return pick({"", "", "d1", "d2"}); };
  MatchIndex index;
  std::map<int64_t, std::shared_ptr<const Webhook>> reference;
  size_t fits = 0;
  for (int step = 0; step < 3000; ++step) {
    const int64_t uid = 1 + static_cast<int64_t>(random.NextUint64() % 40);
    if (random.NextUint64() % 4 == 0) {
      index.Remove(uid);
      reference.erase(uid);
    } else {
      std::vector<EventMatch> any_of;
      for (uint64_t i = random.NextUint64() % 4; i > 0; --i) {
        any_of.push_back({pick({"", "*", "a", "a.b", "a.*", "*.b", "*.*", "a.*.c", "*.*.*", "b.b"}),
                          source(), subject()});
      }
      const auto state =
          random.NextUint64() % 5 == 0 ? WebhookState::kDisabled : WebhookState::kActive;
      reference[uid] = MakeWebhook(uid, any_of, state);
      index.Put(reference[uid]);
    }
    const Event event = MakeEvent(pick({"a", "a.b", "b.b", "a.x.c", "b.x.c", "x"}), source(),
                                  subject(), pick({"", "a.b", "b.b", "a"}));
    std::vector<int64_t> expected;
    for (const auto& [id, webhook] : reference) {
      if (Matches(webhook->state) && Fits(*webhook, event)) expected.push_back(id);
    }
    fits += expected.size();
    ASSERT_EQ(Uids(index.Find(event)), expected) << "step " << step;
    ASSERT_EQ(index.size(), reference.size());
  }
  EXPECT_GT(fits, 3000);  // the world is not one in which nothing fits
}

// Counted, not timed: what is touched must not grow with webhooks that don't fit.
TEST(MatchIndex, CostDoesNotGrowWithWebhooksThatDoNotFit) {
  constexpr int64_t kOthers = 100'000;
  MatchIndex index;
  index.Put(MakeWebhook(1, {{"log.*", "panel-x", ""}}));
  index.Put(MakeWebhook(2, {{"", "", "door-x"}}));
  index.Put(MakeWebhook(3, {{"door.opened", "", ""}}));
  const Event event = MakeEvent("log.door_was_opened", "panel-x", "door-x", "door.opened");
  MatchIndex::FindStats before;
  ASSERT_THAT(Uids(index.Find(event, &before)), ElementsAre(1, 2, 3));

  for (int64_t i = 0; i < kOthers; ++i) {
    // Each shares something with the event: its type, its shape of pattern, its source or subject.
    const std::vector<EventMatch> matches = {{"log.*", absl::StrCat("panel-", i), ""},
                                             {"log.door_was_opened", "", absl::StrCat("door-", i)},
                                             {"", "panel-x", absl::StrCat("door-", i)},
                                             {absl::StrCat("site", i, ".*"), "panel-x", "door-x"},
                                             {"log.door_was_closed", "panel-x", "door-x"}};
    index.Put(MakeWebhook(10 + i, {matches[i % matches.size()]}));
  }
  ASSERT_EQ(index.size(), kOthers + 3);
  MatchIndex::FindStats after;
  ASSERT_THAT(Uids(index.Find(event, &after)), ElementsAre(1, 2, 3));
  EXPECT_EQ(after.candidates_visited, 3);
  EXPECT_EQ(after.candidates_visited, before.candidates_visited);
  EXPECT_LE(after.keys_looked_up, 20);  // 4 combinations x (any + 2 types x (exact + 1 shape))
}

}  // namespace
}  // namespace latchwire
