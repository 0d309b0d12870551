#include "core/program/health.h"

#include <gtest/gtest.h>

namespace latchwire {
namespace {

TEST(HealthTest, AllIsWellUntilAReasonIsAdded) {
  const Health health;
  EXPECT_EQ(health.ToJson(), "{\"status\":\"ok\",\"reasons\":[]}\n");
  EXPECT_EQ(health.HttpStatus(), 200);
}

TEST(HealthTest, TheWorstStatusCountsAndEveryReasonIsNamed) {
  Health health;
  health.Add(HealthStatus::kDegraded, "SERVER_UNREACHABLE");
  EXPECT_EQ(health.ToJson(), "{\"status\":\"degraded\",\"reasons\":[\"SERVER_UNREACHABLE\"]}\n");
  EXPECT_EQ(health.HttpStatus(), 200);
  health.Add(HealthStatus::kRefusing, "STORE_UNAVAILABLE");
  health.Add(HealthStatus::kDegraded, "OVERLOADED");
  EXPECT_EQ(health.ToJson(),
            "{\"status\":\"refusing\","
            "\"reasons\":[\"SERVER_UNREACHABLE\",\"STORE_UNAVAILABLE\",\"OVERLOADED\"]}\n");
  EXPECT_EQ(health.HttpStatus(), 503);
}

TEST(HealthDeathTest, AReasonIsAWordOfOurs) {
  Health health;
  EXPECT_DEATH(health.Add(HealthStatus::kDegraded, "a\"b"), "check failed");
  EXPECT_DEATH(health.Add(HealthStatus::kDegraded, ""), "check failed");
  EXPECT_DEATH(health.Add(HealthStatus::kOk, "OVERLOADED"), "ok needs no reason");
}

}  // namespace
}  // namespace latchwire
