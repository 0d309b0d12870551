#include "server/delivery/work_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/delivery/testing/part_world.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void RunRead(PartWorld& world) {
  world.reads.Run();
  world.executor.RunFor(absl::ZeroDuration());
}

TEST(WorkFinderTest, PassesOnEveryPageAndThenIsComplete) {
  PartWorld world;
  const WebhookKey webhook = world.CreateWebhook();
  Webhook idle;
  idle.any_of = {{"never", "", ""}};
  world.CreateWebhook(idle);
  world.StoreDeliveries(webhook, 3);
  world.work.Start();
  EXPECT_FALSE(world.work.complete());
  RunRead(world);
  EXPECT_THAT(world.found_pages, ElementsAre(1));
  EXPECT_FALSE(world.work.complete());
  RunRead(world);
  EXPECT_THAT(world.found_pages, ElementsAre(1, 0));
  EXPECT_TRUE(world.work.complete());
  EXPECT_EQ(world.reads.held(), 0);
}

// Leases gained while a search runs: it may have passed their webhooks, so only a search from the
// start can be complete.
TEST(WorkFinderTest, ANewSearchAbandonsTheOneUnderWay) {
  PartWorld world;
  const WebhookKey webhook = world.CreateWebhook();
  world.StoreDeliveries(webhook, 1);
  world.work.Start();
  RunRead(world);  // the first page of the first search
  world.work.Start();
  RunRead(world);  // the last page of the first
  EXPECT_FALSE(world.work.complete());
  RunRead(world);
  RunRead(world);
  EXPECT_TRUE(world.work.complete());
  EXPECT_THAT(world.found_pages, ElementsAre(1, 1, 0));
}

TEST(WorkFinderTest, FindsNothingAfterStop) {
  PartWorld world;
  world.StoreDeliveries(world.CreateWebhook(), 1);
  world.work.Start();
  world.work.Stop();
  RunRead(world);
  EXPECT_THAT(world.found_pages, IsEmpty());
  EXPECT_EQ(world.reads.held(), 0);
}

}  // namespace
}  // namespace latchwire
