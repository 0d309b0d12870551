#include "server/store/mutations/mutation.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(PartitionOfTest, IsStableAndSpread) {
  // Stored leases depend on these values: they never change.
  EXPECT_EQ(PartitionOf({1, 1}), 193);
  EXPECT_EQ(PartitionOf({1, 2}), 206);
  EXPECT_EQ(PartitionOf({2, 1}), 103);
  std::array<int, kPartitionCount> counts{};
  for (int64_t uid = 1; uid <= 25600; ++uid) ++counts[PartitionOf({1, uid})];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Gt(50), testing::Lt(150))));
}

TEST(MutationResultTest, IsTakenOutByTheMutationsType) {
  MutationResult result = PurgeDeleted::Result{true};
  EXPECT_TRUE(ResultOf<PurgeDeleted>(result).more);
  EXPECT_TRUE(ResultOf<PurgeDeleted>(std::move(result))->more);
  EXPECT_EQ(ResultOf<PurgeDeleted>(MutationResult(absl::AbortedError("x"))).status(),
            absl::AbortedError("x"));
}

TEST(MutationResultTest, StatsAreThoseOfTheResultIfItHasSome) {
  RetryDelivery::Result retried;
  retried.stats.resize(2);
  EXPECT_THAT(StatsOf(retried), SizeIs(2));
  EXPECT_THAT(StatsOf(PurgeDeleted::Result()), IsEmpty());
  EXPECT_THAT(StatsOf(absl::AbortedError("x")), IsEmpty());
}

TEST(WrittenBatchTest, VisitsWhatSucceededWithItsResult) {
  const std::vector<Mutation> mutations = {PurgeDeleted{1}, PurgeDeleted{2}, CreateApiKey(),
                                           PurgeDeleted{3}};
  const std::vector<MutationResult> results = {PurgeDeleted::Result{true}, absl::AbortedError("x"),
                                               CreateApiKey::Result(), PurgeDeleted::Result{false}};
  std::vector<std::pair<int, bool>> seen;
  WrittenBatch(mutations, results)
      .ForEach(Visitor{[&](const PurgeDeleted& purge, const PurgeDeleted::Result& result) {
        seen.emplace_back(purge.limit, result.more);
      }});
  EXPECT_THAT(seen, ElementsAre(std::pair(1, true), std::pair(3, false)));
}

TEST(WrittenBatchTest, VisitsEveryAppendThatWasStored) {
  AppendPublished published;
  published.tenant = 1;
  AppendFromAgent from_agent;
  from_agent.tenant = 2;
  RecordOutcomes record;
  record.operational.resize(2);
  record.operational[0].tenant = 3;
  record.operational[1].tenant = 4;
  RecordOutcomes::Result recorded;
  recorded.operational = {absl::AbortedError("x"), AppendResult()};
  AppendPublished failed;
  failed.tenant = 5;
  const std::vector<Mutation> mutations = {published, from_agent, record, failed};
  const std::vector<MutationResult> results = {AppendPublished::Result(), AppendFromAgent::Result(),
                                               recorded, absl::AbortedError("y")};
  std::vector<std::pair<TenantId, bool>> seen;
  WrittenBatch(mutations, results)
      .ForEachAppend([&](const MatchedEvents& append, const AppendResult&, bool operational) {
        seen.emplace_back(append.tenant, operational);
      });
  EXPECT_THAT(seen, ElementsAre(std::pair(1, false), std::pair(2, false), std::pair(4, true)));
}

TEST(WrittenBatchDeathTest, NeedsAResultForEachMutation) {
  const std::vector<Mutation> mutations(1);
  EXPECT_DEATH(WrittenBatch(mutations, {}), "check failed");
}

}  // namespace
}  // namespace latchwire
