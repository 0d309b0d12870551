#include "core/base/check.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(CheckTest, PassesWhatHolds) {
  LATCHWIRE_CHECK(1 + 1 == 2);
  LATCHWIRE_CHECK(1 + 1 == 2, "never shown");
  LATCHWIRE_DCHECK(1 + 1 == 2, "never shown");
}

TEST(CheckDeathTest, NamesThePlaceTheConditionAndTheValues) {
  const int number = 3;
  EXPECT_DEATH(LATCHWIRE_CHECK(number == 2, "number is ", number),
               "check_test.cc:[0-9]+: check failed: number == 2: number is 3");
  EXPECT_DEATH(LATCHWIRE_CHECK(number == 2), "check failed: number == 2\n");
}

#ifdef NDEBUG
TEST(CheckTest, DebugChecksAreNotEvaluatedInReleaseBuilds) {
  int evaluated = 0;
  LATCHWIRE_DCHECK(++evaluated == 0);
  EXPECT_EQ(evaluated, 0);
}
#else
TEST(CheckDeathTest, DebugChecksRunInDebugBuilds) {
  EXPECT_DEATH(LATCHWIRE_DCHECK(2 < 1, "order"), "check failed: 2 < 1: order");
}
#endif

}  // namespace
}  // namespace latchwire
