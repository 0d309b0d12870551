#include "core/delivery/crowding.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(CrowdingTest, BeginsAtHalfAndEndsAtThreeEighths) {
  Crowding crowding;
  EXPECT_FALSE(crowding.Update(400, 800, true));
  EXPECT_TRUE(crowding.Update(401, 800, true));
  EXPECT_TRUE(crowding.crowded());
  EXPECT_FALSE(crowding.Update(301, 800, true));
  EXPECT_TRUE(crowding.Update(300, 800, true));
  EXPECT_FALSE(crowding.crowded());
}

TEST(CrowdingTest, FailingReceiversMakeNobodyWait) {
  Crowding crowding;
  EXPECT_FALSE(crowding.Update(800, 800, false));
  EXPECT_TRUE(crowding.Update(800, 800, true));
  EXPECT_TRUE(crowding.Update(800, 800, false));
  EXPECT_FALSE(crowding.crowded());
}

TEST(CrowdingTest, SlowReceiversMakeNobodyWait) {
  Crowding crowding;
  crowding.Update(800, 800, true);
  for (int i = 0; i < 8; ++i) crowding.OnAnswer(absl::Seconds(1));
  EXPECT_TRUE(crowding.Update(800, 800, true));
  EXPECT_FALSE(crowding.crowded());
  for (int i = 0; i < 64; ++i) crowding.OnAnswer(absl::Milliseconds(1));
  EXPECT_TRUE(crowding.Update(800, 800, true));
  EXPECT_TRUE(crowding.crowded());
}

}  // namespace
}  // namespace latchwire
