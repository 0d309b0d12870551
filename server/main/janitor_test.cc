#include "server/main/janitor.h"

#include <gtest/gtest.h>

#include "core/base/testing/simulated_world.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

// Counts how often the store is asked to purge, by what it answers.
class CountingObserver : public CommitObserver {
 public:
  void OnCommitted(absl::Span<const Mutation> mutations) override {
    for (const Mutation& mutation : mutations) {
      if (const auto* purge = std::get_if<PurgeDeleted>(&mutation)) {
        ++steps;
        more = purge->more;
      }
    }
  }
  int steps = 0;
  bool more = false;
};

class JanitorTest : public ::testing::Test {
 protected:
  JanitorTest() : writer_(store_.get(), WriterOptions()) {
    writer_.AddObserver(&observer_);
    writer_.SetWake([this] {
      executor_.Post([this] {
        while (writer_.Step()) {
        }
      });
    });
  }
  void Write(Mutation mutation) {
    writer_.Submit(std::move(mutation),
                   [](Mutation result) { EXPECT_TRUE(StatusOf(result).ok()) << StatusOf(result); });
    executor_.RunFor(absl::ZeroDuration());
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_ = NewMemoryStore(database_);
  Writer writer_;
  CountingObserver observer_;
};

TEST_F(JanitorTest, LooksOncePerIntervalAndGoesOnWhileThereIsMore) {
  Janitor::Start(&executor_, &writer_, absl::Seconds(30));
  executor_.RunFor(absl::Seconds(29));
  EXPECT_EQ(observer_.steps, 0);
  executor_.RunFor(absl::Seconds(2));
  EXPECT_EQ(observer_.steps, 1);

  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  create.webhook.id = "0190a6b2-7c3d-7abc-8def-0123456789ab";
  create.webhook.url = "http://192.0.2.1/";
  Write(create);
  constexpr int kDeliveries = 2500;
  AppendEvents append;
  append.tenant = kDefaultTenant;
  append.generation = store_->LoadTenants()->front().generation;
  append.now = clock_.Now();
  for (int i = 0; i < kDeliveries; ++i) {
    NewEvent& added = append.events.emplace_back();
    added.event = std::make_shared<Event>();
    added.event->id = std::to_string(i) + "x";
    added.event->type = "a";
    added.event->data = "{}";
    added.targets.push_back({1, "", absl::InfiniteFuture()});
  }
  Write(append);
  DeleteWebhook del;
  del.key = {kDefaultTenant, 1};
  Write(del);

  executor_.RunFor(absl::Seconds(30));
  EXPECT_GE(observer_.steps, 4);  // 1000 rows at a time, in quick steps
  EXPECT_FALSE(observer_.more);
  const int before = observer_.steps;
  executor_.RunFor(absl::Seconds(60));
  EXPECT_EQ(observer_.steps, before + 2);
}

TEST_F(JanitorTest, AFailingStoreIsAskedAgainLater) {
  Janitor::Start(&executor_, &writer_, absl::Seconds(30));
  database_->FailWrites(1, "disk full");
  executor_.RunFor(absl::Seconds(61));
  EXPECT_EQ(observer_.steps, 2);
}

TEST_F(JanitorTest, StopsWithTheWriter) {
  Janitor::Start(&executor_, &writer_, absl::Seconds(30));
  writer_.Close();
  executor_.RunFor(absl::Hours(1));
  EXPECT_EQ(observer_.steps, 0);
  EXPECT_EQ(executor_.pending(), 0u);
}

}  // namespace
}  // namespace latchwire
