#include "server/jobs/recovery_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/testing/simulated_world.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

constexpr int kDeliveries = 1200;

class RecoveryRunnerTest : public ::testing::Test, public CommitObserver {
 protected:
  RecoveryRunnerTest() {
    Restart();
    CreateWebhook create;
    create.webhook.key.tenant = kDefaultTenant;
    create.webhook.id = "0190a6b2-7c3d-7abc-8def-0123456789ab";
    create.webhook.url = "http://192.0.2.1/";
    Write(create);
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.generation = store_->LoadTenants()->front().generation;
    append.now = clock_.Now();
    AcquireLeases acquire;
    acquire.owner = "test";
    acquire.now = clock_.Now();
    acquire.duration = absl::Hours(1);
    const auto fences = Write(acquire).fences;
    RecordOutcomes record;
    for (int i = 0; i < kDeliveries; ++i) {
      NewEvent& added = append.events.emplace_back();
      added.event = std::make_shared<Event>();
      added.event->id = absl::StrCat(i, "x");
      added.event->type = "a";
      added.event->data = "{}";
      added.targets.push_back({1, "", absl::InfiniteFuture()});
      DeliveryOutcome& outcome = record.outcomes.emplace_back();
      outcome.key = {{kDefaultTenant, 1}, i + 1};
      outcome.state = DeliveryState::kDead;
      outcome.attempt.number = 1;
      outcome.attempt.http_status = 500;
      outcome.fence = fences[PartitionOf(outcome.key.webhook)];
    }
    Write(append);
    Write(record);
  }

  void Restart() {
    store_ = NewMemoryStore(database_);
    writer_ = std::make_unique<Writer>(store_.get(), WriterOptions());
    writer_->AddObserver(this);
    runner_ = std::make_shared<RecoveryRunner>(&executor_, &clock_, writer_.get());
    writer_->AddObserver(runner_.get());
    writer_->SetWake([this] {
      executor_.Post([this, writer = writer_.get()] {
        while (writer == writer_.get() && writer->Step()) {
        }
      });
    });
    ASSERT_TRUE(runner_->Start(store_.get()).ok());
  }
  template <typename M>
  typename M::Result Write(M mutation) {
    typename M::Result result;
    writer_->Submit(std::move(mutation), [&result](Written<M> written) {
      EXPECT_TRUE(written.result.ok()) << written.result.status();
      result = *std::move(written.result);
    });
    executor_.RunFor(absl::ZeroDuration());
    return result;
  }
  void OnCommitted(const WrittenBatch& batch) override {
    for (const Mutation& mutation : batch.mutations()) {
      if (const auto* step = std::get_if<StepRecoveryJob>(&mutation)) {
        steps_.push_back(step->id);
        limits_.push_back(step->limit);
      }
    }
  }
  void CreateJob(absl::string_view id) {
    CreateRecoveryJob create;
    create.job.tenant = kDefaultTenant;
    create.job.id = std::string(id);
    create.job.create_time = clock_.Now();
    Write(create);
  }
  RecoveryJob Job(absl::string_view id) { return *store_->GetRecoveryJob(kDefaultTenant, id); }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_;
  std::shared_ptr<RecoveryRunner> runner_;
  std::unique_ptr<Writer> writer_;
  std::vector<std::string> steps_;
  std::vector<int> limits_;
};

TEST_F(RecoveryRunnerTest, BringsAJobToItsEndInSmallSteps) {
  CreateJob("one");
  executor_.RunFor(absl::Seconds(1));
  EXPECT_EQ(Job("one").state, RecoveryJobState::kSucceeded);
  EXPECT_EQ(Job("one").recovered_count, kDeliveries);
  EXPECT_GE(steps_.size(), 3u);
  EXPECT_THAT(limits_, testing::Each(testing::Le(500)));
  EXPECT_EQ(executor_.pending(), 0u);  // and then it rests
}

TEST_F(RecoveryRunnerTest, JobsTakeTurns) {
  CreateJob("one");
  CreateJob("two");
  executor_.RunFor(absl::Seconds(1));
  ASSERT_GE(steps_.size(), 4u);
  EXPECT_EQ(steps_[0], "one");
  EXPECT_EQ(steps_[1], "two");
  EXPECT_EQ(steps_[2], "one");
  EXPECT_EQ(Job("two").state, RecoveryJobState::kSucceeded);
}

TEST_F(RecoveryRunnerTest, GoesOnAfterARestart) {
  CreateJob("one");
  executor_.RunFor(absl::Milliseconds(5));
  EXPECT_EQ(Job("one").state, RecoveryJobState::kRunning);
  writer_->Close();
  executor_.RunFor(absl::Seconds(5));
  EXPECT_EQ(Job("one").state, RecoveryJobState::kRunning);
  Restart();
  executor_.RunFor(absl::Seconds(1));
  EXPECT_EQ(Job("one").state, RecoveryJobState::kSucceeded);
  EXPECT_EQ(Job("one").recovered_count, kDeliveries);
}

TEST_F(RecoveryRunnerTest, ACancelledJobIsLetGo) {
  CreateJob("one");
  executor_.RunFor(absl::Milliseconds(5));
  Write(CancelRecoveryJob{kDefaultTenant, "one", clock_.Now()});
  executor_.RunFor(absl::Seconds(5));
  EXPECT_LE(steps_.size(), 2u);
  EXPECT_EQ(executor_.pending(), 0u);
}

TEST_F(RecoveryRunnerTest, AStoreThatFailsIsAskedAgain) {
  CreateJob("one");
  database_->FailWrites(3, "disk full");
  executor_.RunFor(absl::Seconds(5));
  EXPECT_EQ(Job("one").state, RecoveryJobState::kSucceeded);
}

}  // namespace
}  // namespace latchwire
