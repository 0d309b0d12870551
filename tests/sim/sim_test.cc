// The delivery side in random worlds (simulation.h), under an oracle (oracle.h) that checks the
// promises of docs/guarantees.md.
//
// LATCHWIRE_SIM_SEEDS=N runs the seeds 1 to N (1000 by default), spread over the shards, which can
// run beside each other; LATCHWIRE_SIM_SEED=S only that one, LATCHWIRE_SIM_LOG=1 with all that its
// receivers saw. A seed replays exactly.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/sim/simulation.h"

namespace latchwire::sim {
namespace {

constexpr uint64_t kShards = 8;

uint64_t EnvironmentOr(const char* name, uint64_t value) {
  const char* text = std::getenv(name);
  uint64_t parsed = 0;
  return text != nullptr && absl::SimpleAtoi(text, &parsed) ? parsed : value;
}

std::string ReportOf(uint64_t seed, const std::vector<std::string>& broken) {
  return absl::StrCat("replay with LATCHWIRE_SIM_SEED=", seed, "\n  ",
                      absl::StrJoin(broken, "\n  "));
}

class SimulationTest : public testing::TestWithParam<uint64_t> {};

TEST_P(SimulationTest, PromisesHoldInRandomWorlds) {
  const uint64_t only = EnvironmentOr("LATCHWIRE_SIM_SEED", 0);
  if (only != 0 && only % kShards != GetParam()) GTEST_SKIP() << "not the shard of the one seed";
  const uint64_t last = only != 0 ? only : EnvironmentOr("LATCHWIRE_SIM_SEEDS", 1000);
  uint64_t first = only;
  if (only == 0) first = GetParam() == 0 ? kShards : GetParam();
  for (uint64_t seed = first; seed <= last; seed += kShards) {
    Simulation simulation(seed);
    simulation.Run();
    const std::vector<std::string> broken = simulation.Check();
    if (EnvironmentOr("LATCHWIRE_SIM_LOG", 0) != 0) {
      std::cout << simulation.oracle().Log() << "\n";
    }
    ASSERT_TRUE(broken.empty()) << ReportOf(seed, broken);
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, SimulationTest, testing::Range<uint64_t>(0, kShards));

TEST(SimulationReplayTest, ASeedReplaysExactly) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Simulation one(seed);
    one.Run();
    Simulation two(seed);
    two.Run();
    EXPECT_EQ(one.oracle().Log(), two.oracle().Log()) << seed;
    EXPECT_FALSE(one.oracle().Log().empty());
  }
}

// An oracle that finds nothing proves nothing: each of these breaks a promise, and it must notice.
class FaultTest : public testing::TestWithParam<std::pair<Fault, const char*>> {};

TEST_P(FaultTest, TheOracleNotices) {
  const auto& [fault, words] = GetParam();
  constexpr uint64_t kEnoughSeeds = 300;
  for (uint64_t seed = 1; seed <= kEnoughSeeds; ++seed) {
    Simulation simulation(seed, fault);
    simulation.Run();
    for (const std::string& broken : simulation.Check()) {
      if (absl::StrContains(broken, words)) return;
    }
  }
  FAIL() << "nothing \"" << words << "\" was found in " << kEnoughSeeds << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultTest,
    testing::Values(std::pair(Fault::kSkipFenceCheck, "under a lost lease"),
                    std::pair(Fault::kAnswerBeforeCommit, "received again without a cause"),
                    std::pair(Fault::kAnswerBeforeCommit, "attempts of"),
                    std::pair(Fault::kForgetLimits, "above its rate"),
                    std::pair(Fault::kForgetLimits, "before its breaker may close"),
                    std::pair(Fault::kLoseDeliveries, "has no delivery"),
                    std::pair(Fault::kSendExpired, "after it had expired"),
                    std::pair(Fault::kForgetOutcomes, "received again without a cause"),
                    std::pair(Fault::kMiscount, "other counters")));

TEST(SimulationCoverageTest, TheWorldsAreNotTooQuiet) {
  Oracle::Coverage all;
  int changes_of_owner = 0, incidents = 0, two_servers = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Simulation simulation(seed);
    simulation.Run();
    EXPECT_TRUE(simulation.Check().empty()) << seed;
    const Oracle::Coverage& coverage = simulation.oracle().coverage();
    all.receipts += coverage.receipts;
    all.stale_receipts += coverage.stale_receipts;
    all.probes += coverage.probes;
    all.duplicates += coverage.duplicates;
    for (const auto& [state, count] : coverage.states) all.states[state] += count;
    changes_of_owner += simulation.ledger().changes_of_owner;
    incidents += simulation.incidents();
    two_servers += simulation.two_servers();
  }
  EXPECT_GT(all.receipts, 3000);
  EXPECT_GT(all.stale_receipts, 0);
  EXPECT_GT(all.probes, 30);
  EXPECT_GT(all.duplicates, 10);
  EXPECT_GT(all.states[DeliveryState::kSucceeded], 2000);
  EXPECT_GT(all.states[DeliveryState::kDead], 50);
  EXPECT_GT(all.states[DeliveryState::kExpired], 100);
  EXPECT_GT(all.states[DeliveryState::kDropped], 100);
  EXPECT_EQ(all.states[DeliveryState::kPending], 0);
  EXPECT_GT(changes_of_owner, 5);
  EXPECT_GT(incidents, 50);
  EXPECT_GT(two_servers, 10);
}

}  // namespace
}  // namespace latchwire::sim
