#include "server/delivery/lease_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

using ::testing::SizeIs;

constexpr WebhookKey kWebhook{kDefaultTenant, 1};

// What another server gets of the leases now.
AcquireLeases::Result AcquireAs(PartWorld& world, std::string owner) {
  AcquireLeases acquire;
  acquire.owner = std::move(owner);
  acquire.now = world.clock.Now();
  acquire.duration = absl::Seconds(30);
  return world.Write(std::move(acquire));
}

TEST(LeaseKeeperTest, TakesEveryPartitionAndKeepsItsFencesByRenewing) {
  PartWorld world;
  EXPECT_FALSE(world.leases.Owns(kWebhook));
  world.leases.Start();
  world.executor.RunFor(absl::ZeroDuration());
  ASSERT_TRUE(world.leases.Owns(kWebhook));
  const int64_t fence = world.leases.FenceOf(kWebhook);
  world.executor.RunFor(absl::Minutes(10));
  EXPECT_EQ(world.leases.FenceOf(kWebhook), fence);
  EXPECT_EQ(AcquireAs(world, "other").fences[0], 0);
  ASSERT_THAT(world.lease_changes, SizeIs(1));
  EXPECT_TRUE(world.lease_changes[0].first.none());
  EXPECT_TRUE(world.lease_changes[0].second);
}

TEST(LeaseKeeperTest, WhatAnEarlierProcessHeldComesBackWithHigherFences) {
  PartWorld world;
  const int64_t before = AcquireAs(world, "server").fences[0];
  world.leases.Start();
  world.executor.RunFor(absl::ZeroDuration());
  EXPECT_GT(world.leases.FenceOf(kWebhook), before);
}

TEST(LeaseKeeperTest, SaysWhichPartitionsWereLost) {
  PartWorld world;
  world.leases.Start();
  world.executor.RunFor(absl::ZeroDuration());
  // It stalls past the end of its leases, and another server takes them.
  world.clock.AdvanceTo(world.clock.Now() + absl::Minutes(1));
  ASSERT_NE(AcquireAs(world, "other").fences[0], 0);
  world.executor.RunFor(absl::Seconds(15));
  EXPECT_FALSE(world.leases.Owns(kWebhook));
  ASSERT_THAT(world.lease_changes, SizeIs(2));
  EXPECT_TRUE(world.lease_changes[1].first.all());
  EXPECT_FALSE(world.lease_changes[1].second);
}

TEST(LeaseKeeperTest, KeepsWhatItOwnsWhileTheStoreCannotRenew) {
  PartWorld world;
  world.leases.Start();
  world.executor.RunFor(absl::ZeroDuration());
  world.database->FailWrites(1'000'000, "disk full");
  world.executor.RunFor(absl::Minutes(5));
  EXPECT_TRUE(world.leases.Owns(kWebhook)) << "the fence decides, not the time";
}

TEST(LeaseKeeperTest, ARenewalOutOfTurnStartsNoSecondRound) {
  PartWorld world;
  world.leases.Start();
  world.executor.RunFor(absl::ZeroDuration());
  for (int i = 0; i < 20; ++i) world.leases.Renew();
  world.executor.RunFor(absl::ZeroDuration());
  const size_t before = world.executor.pending();
  world.executor.RunFor(absl::Minutes(1));
  EXPECT_LE(world.executor.pending(), before);
  EXPECT_EQ(world.executor.pending(), 1) << "one renewal is planned";
}

TEST(LeaseKeeperTest, AfterStopNothingIsOwnedAndReleaseLetsOthersIn) {
  PartWorld world;
  world.leases.Start();
  world.executor.RunFor(absl::ZeroDuration());
  world.leases.Stop();
  EXPECT_FALSE(world.leases.Owns(kWebhook));
  EXPECT_EQ(AcquireAs(world, "other").fences[0], 0) << "still recorded under our fence";
  bool released = false;
  world.leases.Release([&] { released = true; });
  world.executor.RunFor(absl::ZeroDuration());
  EXPECT_TRUE(released);
  EXPECT_NE(AcquireAs(world, "other").fences[0], 0);
  world.leases.Renew();
  world.executor.RunFor(absl::Minutes(5));
  EXPECT_FALSE(world.leases.Owns(kWebhook));
}

TEST(LeaseKeeperDeathTest, ThereIsNoFenceForWhatIsNotOwned) {
  PartWorld world;
  EXPECT_DEATH(world.leases.FenceOf(kWebhook), "is not owned");
  EXPECT_DEATH(world.leases.Release([] {}), "still renewed");
}

}  // namespace
}  // namespace latchwire
