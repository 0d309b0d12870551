#include "server/delivery/outcome_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OutcomeRecorderTest : public ::testing::Test {
 protected:
  OutcomeRecorderTest() {
    world_.OwnEverything();
    webhook_ = world_.CreateWebhook();
    world_.StoreDeliveries(webhook_, 5);
  }

  OutcomeRecorder::Entry Succeeded(int64_t number) {
    OutcomeRecorder::Entry entry;
    entry.delivery = world_.Pending(webhook_, number);
    entry.delivery.delivery.state = DeliveryState::kSucceeded;
    entry.outcome.key = entry.delivery.delivery.key;
    entry.outcome.state = DeliveryState::kSucceeded;
    entry.outcome.attempt.number = 1;
    entry.outcome.attempt.http_status = 200;
    entry.outcome.fence = world_.leases.FenceOf(webhook_);
    return entry;
  }

  PartWorld world_;
  WebhookKey webhook_;
  std::vector<size_t> recorded_, fenced_;  // how many at a time
  OutcomeRecorder recorder_{
      &world_.executor,
      &world_.writer,
      &world_.random,
      {[this](std::vector<OutcomeRecorder::Entry> entries, absl::Span<const WebhookStats>) {
         recorded_.push_back(entries.size());
         for (const OutcomeRecorder::Entry& entry : entries) {
           EXPECT_EQ(entry.recorded, RecordOutcomes::Recorded::kRecorded);
         }
       },
       [this](std::vector<OutcomeRecorder::Entry> entries) { fenced_.push_back(entries.size()); },
       [](absl::Span<const OutcomeRecorder::Entry>) { return std::vector<MatchedEvents>(); },
       [](size_t) {}}};
};

TEST_F(OutcomeRecorderTest, WhatArrivesTogetherIsWrittenTogether) {
  recorder_.Add(Succeeded(1));
  recorder_.Add(Succeeded(2));
  EXPECT_EQ(recorder_.unrecorded_count(), 2);
  world_.executor.RunFor(absl::Seconds(1));
  EXPECT_THAT(recorded_, ElementsAre(2));
  EXPECT_EQ(recorder_.unrecorded_count(), 0);
  EXPECT_EQ(world_.stats.StatsOf(webhook_).succeeded, 2);
}

TEST_F(OutcomeRecorderTest, AFullDiskOnlyDelaysThem) {
  world_.database->FailWrites(3, "disk full");
  recorder_.Add(Succeeded(1));
  world_.executor.RunFor(absl::ZeroDuration());
  recorder_.Add(Succeeded(2));
  EXPECT_EQ(recorder_.unrecorded_count(), 2);
  EXPECT_THAT(recorded_, IsEmpty());
  world_.executor.RunFor(absl::Minutes(1));
  EXPECT_THAT(recorded_, ElementsAre(1, 1)) << "one write at a time, in their order";
}

TEST_F(OutcomeRecorderTest, UnderALostLeaseNothingIsRecorded) {
  OutcomeRecorder::Entry attempted = Succeeded(1);
  world_.Write(ReleaseLeases{"server"});
  AcquireLeases acquire;
  acquire.owner = "other";
  acquire.now = world_.clock.Now();
  acquire.duration = absl::Minutes(1);
  world_.Write(std::move(acquire));
  recorder_.Add(std::move(attempted));
  world_.executor.RunFor(absl::Seconds(1));
  EXPECT_THAT(fenced_, ElementsAre(1));
  EXPECT_THAT(recorded_, IsEmpty());
  EXPECT_EQ(world_.stats.StatsOf(webhook_).succeeded, 0);
  EXPECT_EQ(recorder_.unrecorded_count(), 0);
}

}  // namespace
}  // namespace latchwire
