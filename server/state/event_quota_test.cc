#include "server/state/event_quota.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/testing/simulated_world.h"

namespace latchwire {
namespace {

class EventQuotaTest : public ::testing::Test {
 protected:
  void SetQuota(TenantId id, double per_s) {
    CreateTenant::Result created;
    created.tenant.id = id;
    created.tenant.settings.quotas.max_events_per_s = per_s;
    const Mutation mutation = CreateTenant();
    const MutationResult result = created;
    configuration_.OnCommitted(WrittenBatch({&mutation, 1}, {&result, 1}));
  }
  void Advance(absl::Duration by) { clock_.AdvanceTo(clock_.Now() + by); }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  Configuration configuration_;
  EventQuota quota_{&clock_, &configuration_};
};

TEST_F(EventQuotaTest, WithoutAQuotaNothingWaits) {
  SetQuota(1, 0);
  for (const TenantId tenant : {1, 2}) {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(quota_.TryTake(tenant, 512), absl::ZeroDuration());
    }
  }
}

TEST_F(EventQuotaTest, OneSecondsWorthThenTheRate) {
  SetQuota(1, 10);
  int taken = 0;
  while (quota_.TryTake(1, 1) == absl::ZeroDuration()) ++taken;
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(quota_.TryTake(1, 1), absl::Milliseconds(100));
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(quota_.TryTake(1, 1), absl::ZeroDuration());
  EXPECT_NE(quota_.TryTake(1, 1), absl::ZeroDuration());
  Advance(absl::Hours(1));
  taken = 0;
  while (quota_.TryTake(1, 1) == absl::ZeroDuration()) ++taken;
  EXPECT_EQ(taken, 10);
}

TEST_F(EventQuotaTest, ALargeBatchPassesAndIsPaidOff) {
  SetQuota(1, 10);
  EXPECT_EQ(quota_.TryTake(1, 50), absl::ZeroDuration());
  const absl::Duration wait = quota_.TryTake(1, 1);
  EXPECT_EQ(wait, absl::Milliseconds(4100));
  Advance(wait);
  EXPECT_EQ(quota_.TryTake(1, 1), absl::ZeroDuration());
}

TEST_F(EventQuotaTest, LessThanOneASecond) {
  SetQuota(1, 0.1);
  EXPECT_EQ(quota_.TryTake(1, 1), absl::ZeroDuration());
  EXPECT_EQ(quota_.TryTake(1, 1), absl::Seconds(10));
}

TEST_F(EventQuotaTest, WhatWasNotStoredIsGivenBack) {
  SetQuota(1, 3);
  EXPECT_EQ(quota_.TryTake(1, 3), absl::ZeroDuration());
  quota_.GiveBack(1, 2);
  EXPECT_EQ(quota_.TryTake(1, 2), absl::ZeroDuration());
  EXPECT_NE(quota_.TryTake(1, 1), absl::ZeroDuration());
  quota_.GiveBack(1, 1000);  // never more than the bucket holds
  EXPECT_EQ(quota_.TryTake(1, 3), absl::ZeroDuration());
  EXPECT_NE(quota_.TryTake(1, 1), absl::ZeroDuration());
}

TEST_F(EventQuotaTest, TenantsDoNotShare) {
  SetQuota(1, 1);
  SetQuota(2, 1);
  EXPECT_EQ(quota_.TryTake(1, 1), absl::ZeroDuration());
  EXPECT_EQ(quota_.TryTake(2, 1), absl::ZeroDuration());
}

TEST_F(EventQuotaTest, TheErrorSaysWhenToComeBack) {
  SetQuota(1, 2.5);
  EXPECT_TRUE(quota_.Take(1, 2).ok());
  const absl::Status status = quota_.Take(1, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "QUOTA_EXCEEDED");
  EXPECT_EQ(MetadataOf(status)["quota"], "max_events_per_second");
  EXPECT_EQ(MetadataOf(status)["limit"], "2.5");
  EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(200));
}

}  // namespace
}  // namespace latchwire
