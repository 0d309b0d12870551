#include "server/jobs/janitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/testing/simulated_world.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

// Counts how often the store is asked to purge, by what it answers.
class CountingObserver : public CommitObserver {
 public:
  void OnCommitted(const WrittenBatch& batch) override {
    for (const Mutation& mutation : batch.mutations()) {
      steps += std::holds_alternative<PurgeDeleted>(mutation);
      if (const auto* del = std::get_if<DeleteOldEvents>(&mutation)) limits.push_back(del->limit);
    }
    batch.ForEach(Visitor{
        [this](const PurgeDeleted&, const PurgeDeleted::Result& purged) { more = purged.more; }});
  }
  int steps = 0;
  bool more = false;
  std::vector<int> limits;
};

class JanitorTest : public ::testing::Test {
 protected:
  JanitorTest() : writer_(store_.get(), WriterOptions()) {
    EXPECT_TRUE(configuration_.Load(store_.get()).ok());
    writer_.AddObserver(&configuration_);
    writer_.AddObserver(&observer_);
    writer_.SetWake([this] {
      executor_.Post([this] {
        while (writer_.Step()) {
        }
      });
    });
  }
  void Start() {
    janitor_ = Janitor::Start({&executor_, &clock_, &writer_, &configuration_}, absl::Seconds(30));
  }
  void MakeWebhook() {
    CreateWebhook create;
    create.webhook.key.tenant = kDefaultTenant;
    create.webhook.id = "0190a6b2-7c3d-7abc-8def-0123456789ab";
    create.webhook.url = "http://192.0.2.1/";
    Write(create);
  }
  void Publish(int count, bool to_webhook) {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.generation = store_->LoadTenants()->front().generation;
    append.now = clock_.Now();
    for (int i = 0; i < count; ++i) {
      NewEvent& added = append.events.emplace_back();
      added.event = std::make_shared<Event>();
      added.event->id = std::to_string(++made_ids_) + "x";
      added.event->type = "a";
      added.event->data = "{}";
      if (to_webhook) added.targets.push_back({1, "", absl::InfiniteFuture()});
    }
    Write(append);
  }
  void Keep(absl::Duration retention, absl::Duration held) {
    UpdateTenant update;
    update.tenant = kDefaultTenant;
    update.settings.event_retention = retention;
    update.settings.max_held_time = held;
    Write(update);
  }
  size_t StoredEvents() { return store_->ListEvents(kDefaultTenant, {}, 0, 4000)->events.size(); }

  template <typename M>
  void Write(M mutation) {
    writer_.Submit(std::move(mutation), [](const Written<M>& written) {
      EXPECT_TRUE(written.result.ok()) << written.result.status();
    });
    executor_.RunFor(absl::ZeroDuration());
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_ = NewMemoryStore(database_);
  Writer writer_;
  CountingObserver observer_;
  Configuration configuration_;
  std::shared_ptr<Janitor> janitor_;
  int made_ids_ = 0;
};

TEST_F(JanitorTest, LooksOncePerIntervalAndGoesOnWhileThereIsMore) {
  Start();
  executor_.RunFor(absl::Seconds(29));
  EXPECT_EQ(observer_.steps, 0);
  executor_.RunFor(absl::Seconds(2));
  EXPECT_EQ(observer_.steps, 1);

  MakeWebhook();
  Publish(2500, true);
  DeleteWebhook del;
  del.key = {kDefaultTenant, 1};
  Write(del);

  executor_.RunFor(absl::Seconds(30));
  EXPECT_GE(observer_.steps, 4);  // a bounded number of rows at a time, in quick steps
  EXPECT_FALSE(observer_.more);
  const int before = observer_.steps;
  executor_.RunFor(absl::Seconds(60));
  EXPECT_EQ(observer_.steps, before + 2);
}

TEST_F(JanitorTest, AFailingStoreIsAskedAgainLater) {
  Start();
  database_->FailWrites(1, "disk full");
  executor_.RunFor(absl::Seconds(62));
  EXPECT_EQ(observer_.steps, 2);
}

TEST_F(JanitorTest, DeletesWhatIsOlderThanTheTenantKeeps) {
  Start();
  Keep(absl::Hours(1), absl::Hours(1));
  MakeWebhook();
  Publish(3000, false);
  Publish(10, true);
  executor_.RunFor(absl::Minutes(30));
  Publish(7, false);
  EXPECT_EQ(janitor_->counters().deleted_events, 0);

  executor_.RunFor(absl::Minutes(32));
  EXPECT_EQ(StoredEvents(), 17u);
  EXPECT_EQ(janitor_->counters().deleted_events, 3000);
  EXPECT_EQ(janitor_->counters().held_events, 10);
  // The steps grow with the work, up to a bound.
  EXPECT_THAT(observer_.limits, testing::Contains(testing::Gt(250)));
  EXPECT_THAT(observer_.limits, testing::Each(testing::Le(2000)));

  executor_.RunFor(absl::Minutes(60));  // nothing is held for longer than that
  EXPECT_EQ(StoredEvents(), 0u);
  EXPECT_EQ(janitor_->counters().expired_deliveries, 10);
  EXPECT_EQ(janitor_->counters().held_events, 0);
}

TEST_F(JanitorTest, TakesUpNewSettings) {
  Start();
  Publish(5, false);
  executor_.RunFor(absl::Hours(2));
  EXPECT_EQ(StoredEvents(), 5u);
  Keep(absl::Minutes(1), absl::ZeroDuration());
  executor_.RunFor(absl::Minutes(1));
  EXPECT_EQ(StoredEvents(), 0u);
}

TEST_F(JanitorTest, StopsWithTheWriter) {
  Start();
  writer_.Close();
  executor_.RunFor(absl::Hours(1));
  EXPECT_EQ(observer_.steps, 0);
  EXPECT_EQ(executor_.pending(), 0u);
}

}  // namespace
}  // namespace latchwire
