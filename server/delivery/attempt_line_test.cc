#include "server/delivery/attempt_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchwire {
namespace {

constexpr WebhookKey kA{kDefaultTenant, 1}, kB{kDefaultTenant, 2}, kC{kDefaultTenant, 3};

TEST(AttemptLineTest, EveryWebhookIsInLineOnceAndGetsItsTurn) {
  AttemptLine line(8);
  AttemptLine::Place a, b;
  line.Enter(kA, a);
  line.Enter(kB, b);
  line.Enter(kA, a);
  EXPECT_EQ(line.Next(), kA);
  line.Leave(a);
  line.Enter(kA, a);
  EXPECT_EQ(line.Next(), kB);
  EXPECT_EQ(line.Next(), kA);
  EXPECT_EQ(line.Next(), std::nullopt);
}

TEST(AttemptLineTest, NobodyHasATurnWhileAllIsInFlight) {
  AttemptLine line(2);
  AttemptLine::Place a, b;
  line.Start(a, false);
  line.Start(b, false);
  AttemptLine::Place c;
  line.Enter(kC, c);
  EXPECT_EQ(line.Next(), std::nullopt);
  line.End(a, false);
  EXPECT_EQ(line.Next(), kC);
}

TEST(AttemptLineTest, ABlockedOneComesBackWhenAttemptsEnd) {
  AttemptLine line(8);
  AttemptLine::Place a;
  for (int i = 0; i < 4; ++i) line.Start(a, true);
  EXPECT_FALSE(line.MayStart(a, true)) << "suspects have half";
  EXPECT_FALSE(line.MayStart(a, false)) << "nobody takes more than is left";
  line.Enter(kA, a);
  EXPECT_EQ(line.Next(), kA);
  line.Block(kA, a);
  line.Enter(kA, a);
  EXPECT_EQ(line.Next(), std::nullopt) << "it waits apart";
  line.End(a, true);
  line.Unblock();
  EXPECT_EQ(line.Next(), kA);
  EXPECT_TRUE(line.MayStart(a, true));
}

TEST(AttemptLineTest, WithNothingInFlightAllComeBack) {
  AttemptLine line(2);
  AttemptLine::Place running;
  line.Start(running, false);
  AttemptLine::Place places[10];
  for (int64_t uid = 0; uid < 10; ++uid) {
    line.Enter({kDefaultTenant, uid}, places[uid]);
    line.Block(*line.Next(), places[uid]);
  }
  line.End(running, false);
  line.Unblock();
  for (int64_t uid = 0; uid < 10; ++uid) EXPECT_EQ(line.Next()->uid, uid);
}

TEST(AttemptLineDeathTest, NoAttemptEndsTwice) {
  AttemptLine line(2);
  AttemptLine::Place a;
  line.Start(a, false);
  line.End(a, false);
  EXPECT_DEATH(line.End(a, false), "never started");
}

}  // namespace
}  // namespace latchwire
