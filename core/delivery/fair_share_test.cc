#include "core/delivery/fair_share.h"

#include <vector>

#include "gtest/gtest.h"

namespace latchwire {
namespace {

// Takes for one after another, one unit at a time, as long as any may; what each then holds.
std::vector<size_t> FillUp(FairShare* share, size_t holders, size_t cap, bool suspect) {
  std::vector<size_t> held(holders);
  for (bool any = true; any;) {
    any = false;
    for (size_t& own : held) {
      if (own == cap || !share->MayTake(own, suspect)) continue;
      share->Take(1, suspect);
      ++own;
      any = true;
    }
  }
  return held;
}

TEST(FairShare, FewGreedyOnesGetAllTheyMayHave) {
  FairShare share(2048);
  for (const size_t own : FillUp(&share, 16, 64, false)) EXPECT_EQ(own, 64);
}

TEST(FairShare, HoweverManyAreGreedySomethingStaysFree) {
  for (const size_t holders : {31, 32, 33, 100, 1000}) {
    FairShare share(2048);
    const std::vector<size_t> held = FillUp(&share, holders, 64, false);
    for (const size_t own : held) EXPECT_GT(own, 0);
    EXPECT_TRUE(share.MayTake(0, false)) << holders;
    EXPECT_TRUE(share.MayTake(1, false)) << holders;
  }
}

TEST(FairShare, SuspectsTogetherTakeAtMostHalf) {
  FairShare share(2048);
  FillUp(&share, 100, 64, true);
  EXPECT_EQ(share.used(), 1024);
  EXPECT_FALSE(share.MayTake(0, true));
  for (const size_t own : FillUp(&share, 8, 64, false)) EXPECT_EQ(own, 64);
}

TEST(FairShare, WhoRecoversMakesRoomForOtherSuspects) {
  FairShare share(100);
  share.Take(50, true);
  EXPECT_FALSE(share.MayTake(0, true));
  share.Reclassify(50, false);
  EXPECT_TRUE(share.MayTake(0, true));
  share.Give(50, false);
  EXPECT_EQ(share.used(), 0);
}

TEST(FairShare, EvenOneUnitIsForEverybody) {
  FairShare share(1);
  EXPECT_TRUE(share.MayTake(0, true));
  share.Take(1, true);
  EXPECT_FALSE(share.MayTake(0, false));
  share.Give(1, true);
  EXPECT_TRUE(share.MayTake(0, false));
}

}  // namespace
}  // namespace latchwire
