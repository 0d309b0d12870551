#include <gmock/gmock.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "latchwire/v1/api_key_service.grpc.pb.h"
#include "server/api/testing/test_server.h"
#include "server/ingest/ingest_batch.h"
#include "server/ingest/testing/test_agent.h"

namespace latchwire {
namespace {

using agent::v1::ConnectRequest;

class IngestServiceTest : public ::testing::Test {
 protected:
  IngestServiceTest() : key_(server_.MakeKey(Role::kAgent, "gate")) {}
  std::vector<Event> Stored() {
    auto page = server_.store().ListEvents(kDefaultTenant, {}, 0, 1000);
    EXPECT_TRUE(page.ok()) << page.status();
    return {page->events.rbegin(), page->events.rend()};
  }

  TestServer server_;
  const std::string key_;
};

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(IngestServiceTest, WelcomeTellsLimitsAndCursors) {
  TestAgent agent(&server_, key_);
  const agent::v1::Welcome welcome = agent.Open("gate", kEpoch, {3, 0});
  EXPECT_EQ(welcome.max_batch_events(), 512);
  EXPECT_EQ(welcome.max_batch_bytes(), 1 << 20);
  EXPECT_GT(welcome.max_unacked_events(), 512);
  EXPECT_FALSE(welcome.server_version().empty());
  ASSERT_EQ(welcome.cursors_size(), 2);
  EXPECT_EQ(welcome.cursors(0).lane(), 3);
  EXPECT_EQ(welcome.cursors(0).through(), 0u);
  EXPECT_EQ(welcome.cursors(1).lane(), 0);
}

TEST_F(IngestServiceTest, StoresWhatComesAndGoesOnFromTheCursor) {
  {
    TestAgent agent(&server_, key_);
    agent.Open("gate");
    agent.SendEvents({Spooled(1, "{\"a\":1.00}"), Spooled(2)});
    agent.SendRun(3, 5);
    EXPECT_THAT(agent.AckedThrough(5), IsEmpty());
    agent.SendRun(1, 9, 3);
    agent.AckedThrough(9, 3);
    agent.WritesDone();
    EXPECT_TRUE(agent.Finish().ok());
  }
  const std::vector<Event> stored = Stored();
  ASSERT_EQ(stored.size(), 14u);
  EXPECT_EQ(stored[0].number, 1);
  EXPECT_EQ(stored[0].data, "{\"a\":1.00}");
  EXPECT_EQ(stored[0].source, "panel-1");
  EXPECT_EQ(stored[0].receive_time, absl::FromUnixSeconds(1'700'000'000));

  TestAgent again(&server_, key_);
  const agent::v1::Welcome welcome = again.Open("gate", kEpoch, {0, 1, 3});
  EXPECT_EQ(welcome.cursors(0).through(), 5u);
  EXPECT_EQ(welcome.cursors(1).through(), 0u);
  EXPECT_EQ(welcome.cursors(2).through(), 9u);
  again.SendRun(4, 7);  // 4 and 5 once more
  again.AckedThrough(7);
  EXPECT_EQ(Stored().size(), 16u);

  TestAgent other_epoch(&server_, key_);
  EXPECT_EQ(other_epoch.Open("gate", kEpoch + 1).cursors(0).through(), 0u);
}

TEST_F(IngestServiceTest, AnInvalidEventIsRejectedAndBlocksNothing) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  std::vector<agent::v1::SpooledEvent> events = {Spooled(1), Spooled(2, "{"), Spooled(3),
                                                 Spooled(4), Spooled(5),      Spooled(6)};
  events[3].mutable_event()->clear_id();
  events[4].clear_event();
  events[5].mutable_event()->set_json("\"" + std::string(256 * 1024, 'x') + "\"");
  agent.SendEvents(events);
  const agent::v1::Ack ack = agent.NextAck();
  EXPECT_EQ(ack.through(), 6u);
  ASSERT_EQ(ack.rejected_size(), 4);
  EXPECT_EQ(ack.rejected(0).sequence(), 2u);
  EXPECT_EQ(ack.rejected(0).reason(), "FIELD_INVALID");
  EXPECT_THAT(ack.rejected(0).detail(), HasSubstr("event.json"));
  EXPECT_THAT(ack.rejected(1).detail(), HasSubstr("event.id"));
  EXPECT_THAT(ack.rejected(2).detail(), HasSubstr("event"));
  EXPECT_THAT(ack.rejected(3).detail(), HasSubstr("262144"));
  EXPECT_EQ(Stored().size(), 2u);
  agent.SendEvents({Spooled(7, "nonsense")});  // all of a batch
  EXPECT_THAT(agent.AckedThrough(7), ElementsAre(7));
  agent.SendRun(8, 8);
  agent.AckedThrough(8);
}

TEST_F(IngestServiceTest, RemainingTimeCountsFromArrival) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent::v1::SpooledEvent event = Spooled(1);
  event.mutable_remaining_time()->set_seconds(3600);
  event.mutable_event()->mutable_expire_time()->set_seconds(5);  // not looked at here
  const absl::Time before = SystemClock()->Now() - absl::Seconds(1);
  agent.SendEvents({event, Spooled(2)});
  agent.AckedThrough(2);
  const std::vector<Event> stored = Stored();
  EXPECT_GE(stored[0].expire_time, before + absl::Hours(1));
  EXPECT_LE(stored[0].expire_time, SystemClock()->Now() + absl::Hours(1));
  EXPECT_EQ(stored[1].expire_time, absl::InfiniteFuture());
}

TEST_F(IngestServiceTest, DroppedSequencesMoveTheCursor) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendDropped(1, 1000);
  agent.SendRun(1001, 1002);
  agent.AckedThrough(1002);
  EXPECT_EQ(Stored().size(), 2u);
}

TEST_F(IngestServiceTest, AGapEndsTheStreamAndTellsWhatWasExpected) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendRun(1, 2);
  agent.AckedThrough(2);
  agent.SendRun(4, 5);
  const grpc::Status status = agent.Finish();
  EXPECT_EQ(ReasonOf(status), "SEQUENCE_GAP");
  EXPECT_EQ(DetailsOf(status).info.metadata().at("expected"), "3");
  EXPECT_EQ(DetailsOf(status).info.metadata().at("lane"), "0");
}

TEST_F(IngestServiceTest, TheSameSequenceWithOtherContentIsAConflict) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendRun(1, 1);
  agent.AckedThrough(1);
  agent::v1::SpooledEvent other = Spooled(1);
  other.set_checksum(999);
  agent.SendEvents({other});
  EXPECT_EQ(ReasonOf(agent.Finish()), "SEQUENCE_CONFLICT");
}

TEST_F(IngestServiceTest, ProtocolErrorsEndTheStream) {
  const auto reason = [&](const std::function<void(TestAgent&)>& act) {
    TestAgent agent(&server_, key_);
    act(agent);
    const grpc::Status status = agent.Finish();
    return ReasonOf(status) + " " + status.error_message();
  };
  EXPECT_THAT(reason([](TestAgent& agent) { agent.SendRun(1, 1); }),
              HasSubstr("FIELD_INVALID hello"));
  EXPECT_THAT(reason([](TestAgent& agent) { agent.Send(ConnectRequest()); }), HasSubstr("hello"));
  EXPECT_THAT(reason([](TestAgent& agent) { agent.Hello("other"); }), HasSubstr("AGENT_MISMATCH"));
  EXPECT_THAT(reason([](TestAgent& agent) { agent.Hello("gate", 1, {4}); }),
              HasSubstr("hello.ranges.lane must be 0 to 3"));
  const auto opened = [&](const std::function<void(TestAgent&)>& act) {
    return reason([&](TestAgent& agent) {
      agent.Open("gate");
      act(agent);
    });
  };
  EXPECT_THAT(opened([](TestAgent& agent) { agent.Hello("gate"); }), HasSubstr("only the first"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.Send(ConnectRequest()); }), HasSubstr("message"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.SendRun(1, 1, 4); }), HasSubstr("events.lane"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.SendRun(1, 513); }), HasSubstr("512"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.SendRun(0, 1); }), HasSubstr("sequence"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.SendEvents({}); }), HasSubstr("1 to 512"));
  EXPECT_THAT(opened([](TestAgent& agent) {
                agent.SendEvents({Spooled(1), Spooled(3)});
              }),
              HasSubstr("events.events[1].sequence must be 2"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.SendDropped(3, 2); }), HasSubstr("dropped"));
  EXPECT_THAT(opened([](TestAgent& agent) { agent.SendDropped(1, 2, -1); }),
              HasSubstr("dropped.lane"));
  const std::string large = "\"" + std::string(250'000, 'x') + "\"";
  EXPECT_THAT(opened([&](TestAgent& agent) {
                agent.SendEvents({Spooled(1, large), Spooled(2, large), Spooled(3, large),
                                  Spooled(4, large), Spooled(5, large)});
              }),
              HasSubstr("1048576"));
}

TEST_F(IngestServiceTest, ANewerStreamOfTheSameAgentEndsTheOlder) {
  TestAgent older(&server_, key_);
  older.Open("gate");
  older.SendRun(1, 1);
  older.AckedThrough(1);
  TestAgent newer(&server_, key_);
  EXPECT_EQ(newer.Open("gate").cursors(0).through(), 1u);
  const grpc::Status status = older.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(status), "AGENT_STREAM_FENCED");
  newer.SendRun(2, 3);
  newer.AckedThrough(3);

  // The same name in another tenant is another agent.
  TestAgent stranger(&server_, server_.MakeKey(Role::kAgent, "gate", 2));
  EXPECT_EQ(stranger.Open("gate").cursors(0).through(), 0u);
  newer.SendRun(4, 4);
  newer.AckedThrough(4);
}

TEST_F(IngestServiceTest, ADeletedKeyEndsItsStream) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  KeyContext context(server_.admin());
  v1::DeleteApiKeyRequest request;
  request.set_name("apiKeys/" + key_.substr(0, key_.find('.')));
  google::protobuf::Empty response;
  ASSERT_TRUE(server_.Stub<v1::ApiKeyService>()->DeleteApiKey(&context, request, &response).ok());
  const grpc::Status status = agent.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), "API_KEY_INVALID");
}

TEST_F(IngestServiceTest, AStoreThatCannotWriteRejectsNothing) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendRun(1, 2);
  agent.AckedThrough(2);
  server_.database().FailWrites(1, "disk full");
  agent.SendRun(3, 4);
  const agent::v1::Ack ack = agent.NextAck();
  EXPECT_EQ(ack.through(), 2u);
  EXPECT_TRUE(ack.has_retry_after());
  EXPECT_EQ(ack.rejected_size(), 0);
  agent.SendRun(5, 6);  // sent before the agent knew: ignored, no gap
  agent.SendRun(3, 4);
  agent.SendRun(5, 6);
  agent.AckedThrough(6);
  EXPECT_EQ(Stored().size(), 6u);
}

TEST_F(IngestServiceTest, ManyBatchesInFlightKeepTheirOrder) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  constexpr uint64_t kBatches = 200;
  std::thread sender([&] {
    for (uint64_t i = 0; i < kBatches; ++i) agent.SendRun(i * 5 + 1, i * 5 + 5);
  });
  agent.AckedThrough(kBatches * 5);
  sender.join();
  EXPECT_EQ(Stored().size(), 1000u);
}

TEST_F(IngestServiceTest, ShutdownAcksWhatIsUnderWay) {
  TestAgent agent(&server_, key_);
  agent.Open("gate");
  agent.SendRun(1, 5);
  agent.AckedThrough(5);
  server_.api().BeginShutdown();
  const grpc::Status status = agent.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  TestAgent late(&server_, key_);
  EXPECT_EQ(ReasonOf(late.Finish()), "SHUTTING_DOWN");
  KeyContext context(server_.admin());
  v1::ListApiKeysResponse keys;
  EXPECT_EQ(ReasonOf(server_.Stub<v1::ApiKeyService>()->ListApiKeys(
                &context, v1::ListApiKeysRequest(), &keys)),
            "SHUTTING_DOWN");
}

// Nothing is read on while too much is unacked, and nothing is lost by it.
TEST(IngestBackpressureTest, ReadingStopsAtTheBoundAndGoesOn) {
  TestServer server(TestServer::Stepping::kByTest);
  const std::string key = server.MakeKey(Role::kAgent, "gate");
  TestAgent agent(&server, key);
  std::thread opener([&] { server.Step(); });
  agent.Open("gate");
  opener.join();
  constexpr uint64_t kBatches = 3 * kMaxUnackedEvents / 512;
  std::thread sender([&] {
    for (uint64_t i = 0; i < kBatches; ++i) agent.SendRun(i * 512 + 1, (i + 1) * 512);
  });
  // Fill up; the writer's queue is bounded by what one stream may have unacked.
  size_t queued = 0;
  while (queued < kMaxUnackedEvents * 256) {
    std::this_thread::yield();
    queued = server.writer().queued_bytes();
  }
  uint64_t through = 0;
  std::thread acks([&] {
    while (through < kBatches * 512) through = agent.NextAck().through();
  });
  for (size_t most = 0; most < kBatches * 512;) {
    EXPECT_LE(server.writer().queued_bytes(), (kMaxUnackedEvents + 512) * 400);
    server.Step();
    const auto page = server.store().ListEvents(kDefaultTenant, {}, 0, 1);
    most = static_cast<size_t>(page->events[0].number);
  }
  acks.join();
  sender.join();
  EXPECT_EQ(through, kBatches * 512);
}

}  // namespace
}  // namespace latchwire
