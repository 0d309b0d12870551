#include "server/metrics/stats_log.h"

#include <gtest/gtest.h>

#include "core/base/testing/captured_log.h"
#include "server/delivery/testing/delivery_world.h"

namespace latchwire {
namespace {

TEST(StatsLogTest, ALineOnlyWhenACounterChanged) {
  DeliveryWorld world;
  world.executor().RunFor(absl::Seconds(1));  // it takes its leases
  CapturedLog log;
  StartStatsLog(&world.executor(), &world.engine(), &world.writer(), absl::Minutes(1));
  world.executor().RunFor(absl::Minutes(3));
  EXPECT_TRUE(log.lines().empty());

  Webhook webhook;
  webhook.key.tenant = kDefaultTenant;
  webhook.url = "http://192.0.2.1/";
  world.CreateWebhook(webhook);
  ASSERT_NE(world.Publish(TestEvent("door-1", 1)), 0);
  world.executor().RunFor(absl::Minutes(3));
  ASSERT_EQ(log.lines().size(), 1u);
  EXPECT_EQ(log.lines()[0].message, "stats");
  EXPECT_EQ(log.lines()[0].Field("attempts"), "1");
  EXPECT_EQ(log.lines()[0].Field("in_flight"), "0");

  LogWorkDone(world.engine().counters());
  EXPECT_EQ(log.lines().back().message, "work done");
  EXPECT_EQ(log.lines().back().Field("succeeded"), "1");
}

TEST(StatsLogTest, AnIntervalOfZeroIsNever) {
  DeliveryWorld world;
  CapturedLog log;
  StartStatsLog(&world.executor(), &world.engine(), &world.writer(), absl::ZeroDuration());
  EXPECT_TRUE(world.Write(PurgeDeleted()).ok());
  world.executor().RunFor(absl::Hours(3));
  EXPECT_TRUE(log.lines().empty());
}

}  // namespace
}  // namespace latchwire
