// What slows an agent's stream down or ends it without a fault of its events.
#include <gmock/gmock.h>

#include <thread>

#include "server/api/testing/test_server.h"
#include "server/ingest/testing/test_agent.h"

namespace latchwire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IngestQuotaTest : public ::testing::Test {
 protected:
  IngestQuotaTest() {
    latchwire::CreateTenant create;
    create.settings.quotas.max_events_per_s = 0.001;
    create.create_time = SystemClock()->Now();
    tenant_ = Write(std::move(create)).tenant;
    key_ = server_.MakeKey(Role::kAgent, "gate", tenant_.id);
  }
  template <typename M>
  typename M::Result Write(M mutation) {
    std::promise<absl::StatusOr<typename M::Result>> done;
    server_.writer().Submit(std::move(mutation),
                            [&](Written<M> written) { done.set_value(std::move(written.result)); });
    auto result = done.get_future().get();
    EXPECT_TRUE(result.ok()) << result.status();
    return *std::move(result);
  }
  void LiftQuota() {
    latchwire::UpdateTenant update;
    update.tenant = tenant_.id;
    update.settings = tenant_.settings;
    update.settings.quotas.max_events_per_s = 0;
    Write(std::move(update));
  }
  void WaitForWaits(int64_t count) {
    while (server_.api().counters().agent_waits < count) std::this_thread::yield();
  }
  size_t StoredEvents() {
    return server_.store().ListEvents(tenant_.id, {}, 0, 1000)->events.size();
  }

  TestServer server_;
  Tenant tenant_;
  std::string key_;
};

TEST_F(IngestQuotaTest, BeyondTheQuotaAnAgentWaitsAndLosesNothing) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendRun(1, 1);
  agent.AckedThrough(1);
  agent.SendRun(2, 5);
  agent.SendRun(6, 6);
  WaitForWaits(1);
  EXPECT_EQ(StoredEvents(), 1u);
  EXPECT_EQ(server_.timers().RunUpTo(kMaxQuotaWait), 1u);  // a token takes 1000 s
  EXPECT_EQ(StoredEvents(), 1u);
  EXPECT_EQ(server_.api().counters().agent_waits, 1);
  LiftQuota();
  EXPECT_EQ(server_.timers().RunUpTo(kMaxQuotaWait), 1u);
  EXPECT_THAT(agent.AckedThrough(6), ElementsAre());
  EXPECT_EQ(StoredEvents(), 6u);
}

TEST_F(IngestQuotaTest, TheEndOfAStreamDoesNotWaitForTheQuota) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendRun(1, 1);
  agent.AckedThrough(1);
  agent.SendRun(2, 2);
  WaitForWaits(1);
  agent.WritesDone();
  EXPECT_TRUE(agent.Finish().ok());
  server_.timers().RunUpTo(absl::InfiniteDuration());
  EXPECT_EQ(StoredEvents(), 1u);
  LiftQuota();
  TestAgent again(&server_, key_);
  EXPECT_EQ(again.Open("gate").cursors(0).through(), 1u);
  again.SendRun(2, 2);
  again.AckedThrough(2);
}

TEST_F(IngestQuotaTest, AStreamWithoutAHelloEnds) {
  TestAgent agent(&server_, key_);
  while (server_.timers().RunUpTo(kHelloTimeout) == 0) std::this_thread::yield();
  const grpc::Status status = agent.Finish();
  EXPECT_THAT(DetailsOf(status).fields(), ElementsAre("hello"));
  EXPECT_THAT(status.error_message(), HasSubstr("30s"));
}

TEST_F(IngestQuotaTest, AStreamThatSaidHelloMayBeSilent) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  EXPECT_EQ(server_.timers().RunUpTo(kHelloTimeout), 1u);
  agent.SendRun(1, 1);
  agent.AckedThrough(1);
}

}  // namespace
}  // namespace latchwire
