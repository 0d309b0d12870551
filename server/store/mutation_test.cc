#include "server/store/mutation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

TEST(PartitionOfTest, IsStableAndSpread) {
  // Stored leases depend on these values: they never change.
  EXPECT_EQ(PartitionOf({1, 1}), 193);
  EXPECT_EQ(PartitionOf({1, 2}), 206);
  EXPECT_EQ(PartitionOf({2, 1}), 103);
  std::array<int, kPartitionCount> counts{};
  for (int64_t uid = 1; uid <= 25600; ++uid) ++counts[PartitionOf({1, uid})];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Gt(50), testing::Lt(150))));
}

TEST(StatusOfTest, IsTheMutationsOwn) {
  Mutation mutation = PurgeDeleted();
  StatusOf(mutation) = absl::AbortedError("x");
  EXPECT_EQ(std::get<PurgeDeleted>(mutation).status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(&StatusOf(std::as_const(mutation)), &StatusOf(mutation));
}

}  // namespace
}  // namespace latchwire
