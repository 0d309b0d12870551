#include "server/store/driver/recovery_rules.h"

#include "core/base/error.h"
#include "core/domain/limits.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);

TEST(RecoveryRulesTest, AJobBeginsAtItsFirstWebhookAndEndsAtTheNewestEvent) {
  CreateRecoveryJob create;
  create.job.webhook_uid = 5;
  create.job.examined_count = 99;
  auto job = NewRecoveryJob(create, 0, 3, 70);
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->number, 3);
  EXPECT_EQ(job->last_number, 70);
  EXPECT_EQ(job->next_uid, 5);
  EXPECT_EQ(job->examined_count, 0);
  EXPECT_EQ(job->state, RecoveryJobState::kRunning);
  create.job.webhook_uid = 0;
  EXPECT_EQ(NewRecoveryJob(create, 0, 3, 70)->next_uid, 1);
  EXPECT_TRUE(NewRecoveryJob(create, kMaxRunningRecoveryJobs - 1, 3, 70).ok());
  EXPECT_EQ(ReasonOf(NewRecoveryJob(create, kMaxRunningRecoveryJobs, 3, 70).status()),
            "QUOTA_EXCEEDED");
}

TEST(RecoveryRulesTest, WantsStatesAndTimesButNeverWhatIsPending) {
  RecoveryJob job;
  job.states = {DeliveryState::kDead, DeliveryState::kPending};
  job.created_from = kNow;
  job.created_before = kNow + absl::Seconds(1);
  EXPECT_TRUE(WantsDelivery(job, DeliveryState::kDead, kNow));
  EXPECT_FALSE(WantsDelivery(job, DeliveryState::kExpired, kNow));
  EXPECT_FALSE(WantsDelivery(job, DeliveryState::kPending, kNow));
  EXPECT_FALSE(WantsDelivery(job, DeliveryState::kDead, kNow - absl::Microseconds(1)));
  EXPECT_FALSE(WantsDelivery(job, DeliveryState::kDead, kNow + absl::Seconds(1)));
}

TEST(RecoveryRulesTest, GoesOnWhereItWasOrBeginsTheNextWebhookAnew) {
  RecoveryJob job;
  job.next_uid = 4;
  job.next_number = 17;
  EnterWebhook(4, &job);
  EXPECT_EQ(job.next_number, 17);
  EnterWebhook(6, &job);  // 4 and 5 are gone
  EXPECT_EQ(job.next_uid, 6);
  EXPECT_EQ(job.next_number, 0);
  job.next_number = 3;
  LeaveWebhook(&job);
  EXPECT_EQ(job.next_uid, 7);
  EXPECT_EQ(job.next_number, 0);
}

TEST(RecoveryRulesTest, EndsOnce) {
  RecoveryJob job;
  job.id = "id";
  const auto cancelled = Cancelled({1, "id", kNow + absl::Nanoseconds(5)}, job);
  ASSERT_TRUE(cancelled.ok());
  EXPECT_EQ(cancelled->state, RecoveryJobState::kCancelled);
  EXPECT_EQ(cancelled->end_time, kNow);
  EXPECT_EQ(ReasonOf(Cancelled({1, "id", kNow}, *cancelled).status()), "RECOVERY_JOB_STATE");
  Finish(kNow, &job);
  EXPECT_EQ(job.state, RecoveryJobState::kSucceeded);
  EXPECT_DEATH(Finish(kNow, &job), "check failed");
}

}  // namespace
}  // namespace latchwire
