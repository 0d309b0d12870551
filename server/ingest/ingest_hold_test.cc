// Accepting waits a moment while delivery to a quick receiver is behind.
#include <gmock/gmock.h>

#include <thread>

#include "server/api/testing/test_server.h"
#include "server/ingest/testing/test_agent.h"

namespace latchwire {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(1);
constexpr int kMaxSteps = 100;

class IngestHoldTest : public ::testing::Test {
 protected:
  IngestHoldTest() : key_(server_.MakeKey(Role::kAgent, "gate")) {
    std::promise<WebhookKey> done;
    CreateWebhook create;
    create.webhook.key.tenant = kDefaultTenant;
    create.webhook.id = "0190a6b2-7c3d-7abc-8def-0123456789ab";
    create.webhook.url = "http://192.0.2.1/";
    server_.writer().Submit(std::move(create), [&](const Written<CreateWebhook>& written) {
      done.set_value(written.result.value().webhook->key);
    });
    webhook_ = done.get_future().get();
  }
  void WaitForHolds(int64_t count) {
    while (server_.api().counters().agent_holds < count) std::this_thread::yield();
  }
  size_t StoredEvents() {
    return server_.store().ListEvents(kDefaultTenant, {}, 0, 1000)->events.size();
  }

  TestServer server_;
  std::string key_;
  WebhookKey webhook_;
};

TEST_F(IngestHoldTest, WhatComesAfterABatchForACrowdedWebhookWaitsUntilThatIsOver) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  server_.stats().SetCrowded(webhook_, true);
  agent.SendRun(1, 2);
  agent.AckedThrough(2);  // it had been taken already
  agent.SendRun(3, 4);
  WaitForHolds(1);
  EXPECT_EQ(server_.timers().RunUpTo(kStep), 1u);
  EXPECT_EQ(StoredEvents(), 2u);
  server_.stats().SetCrowded(webhook_, false);
  while (server_.timers().RunUpTo(kStep) == 0) std::this_thread::yield();
  agent.AckedThrough(4);
  EXPECT_EQ(StoredEvents(), 4u);
  EXPECT_EQ(server_.api().counters().agent_holds, 1);
}

TEST_F(IngestHoldTest, ItNeverWaitsForLong) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  server_.stats().SetCrowded(webhook_, true);
  agent.SendRun(1, 1);
  agent.SendRun(2, 2);
  agent.WritesDone();  // nor does the end of a stream get lost in it
  agent.AckedThrough(1);
  WaitForHolds(1);
  for (int step = 0; step < kMaxSteps; ++step) {
    EXPECT_EQ(StoredEvents(), 1u);
    EXPECT_EQ(server_.timers().RunUpTo(kStep), 1u);
  }
  agent.AckedThrough(2);
  EXPECT_TRUE(agent.Finish().ok());
}

TEST_F(IngestHoldTest, OtherWebhooksCrowdsHoldNobody) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  server_.stats().SetCrowded({kDefaultTenant, webhook_.uid + 1}, true);
  agent.SendRun(1, 1);
  agent.SendRun(2, 2);
  agent.AckedThrough(2);
  EXPECT_EQ(server_.api().counters().agent_holds, 0);
}

}  // namespace
}  // namespace latchwire
