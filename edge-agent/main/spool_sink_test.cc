#include "edge-agent/main/spool_sink.h"

#include <gtest/gtest.h>

#include "core/base/testing/simulated_world.h"

namespace latchwire::edge {
namespace {

class StoreWatchTest : public testing::Test {
 protected:
  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  StoreWatch watch_{1000, &clock_};
  void Pass(absl::Duration time) { clock_.AdvanceTo(clock_.Now() + time); }
};

TEST_F(StoreWatchTest, IsFullAsLongAsTheLastOneDoesNotFit) {
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kTaking);
  watch_.Note(absl::ResourceExhaustedError(""), 600, 500);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kFull);
  Pass(absl::Hours(1));
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kFull);
  EXPECT_EQ(watch_.Judge(300), StoreCondition::kTaking) << "the server has acked";
  watch_.Note(absl::OkStatus(), 10, 0);
  EXPECT_EQ(watch_.Judge(510), StoreCondition::kTaking) << "a smaller one did fit";
  EXPECT_EQ(watch_.Judge(990), StoreCondition::kFull) << "nothing fits";
}

TEST_F(StoreWatchTest, AFullDiskCountsUntilItIsTriedAgainOrRoomWasMade) {
  watch_.Note(absl::ResourceExhaustedError("no space left on device"), 100, 500);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kFull);
  EXPECT_EQ(watch_.Judge(400), StoreCondition::kTaking);
  Pass(StoreWatch::kFailureCounts);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kDoubtful);
}

// Nobody sends to an agent that its load balancer took out; so it must not wait for an event.
TEST_F(StoreWatchTest, AFailureCountsForAWhile) {
  watch_.Note(absl::UnavailableError("EIO"), 100, 500);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kFailing);
  Pass(StoreWatch::kFailureCounts);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kDoubtful);
  watch_.Note(absl::OkStatus(), 100, 0);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kTaking);
  watch_.Note(absl::InvalidArgumentError("too long"), 100, 500);
  EXPECT_EQ(watch_.Judge(500), StoreCondition::kTaking);
}

}  // namespace
}  // namespace latchwire::edge
