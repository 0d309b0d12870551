#include "edge-agent/uplink/uplink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/base/testing/simulated_world.h"
#include "edge-agent/spool/testing/fake_file_system.h"
#include "edge-agent/uplink/event_codec.h"
#include "edge-agent/uplink/testing/fake_ingest_server.h"

namespace latchwire::edge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RememberingSetAside : public SetAside {
 public:
  absl::Status Add(const SetAsideEvent& event) override {
    events.push_back(event);
    return absl::OkStatus();
  }
  std::vector<SetAsideEvent> events;
};

class UplinkTest : public testing::Test {
 protected:
  UplinkTest() {
    OpenSpool();
    StartUplink();
  }

  void OpenSpool() {
    auto spool =
        Spool::Open({.directory = "spool", .segment_bytes = 2000}, &disk_, &executor_, &random_);
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
  }
  void StartUplink() {
    uplink_ = std::make_unique<Uplink>(
        UplinkOptions{.agent = "gate-1",
                      .version = "0.1.0",
                      .warn = [this](absl::string_view text) { log_.emplace_back(text); }},
        spool_.get(), &server_, &set_aside_, &executor_, &clock_, &random_);
    uplink_->Start();
  }
  void StopCleanly() {
    bool stopped = false;
    uplink_->Stop([&] { stopped = true; });
    executor_.RunFor(absl::Seconds(1));
    EXPECT_TRUE(stopped);
    spool_->Close([](absl::Status) {});
    executor_.RunFor(absl::Seconds(1));
    executor_.Clear();
    uplink_.reset();
    spool_.reset();
    server_.current.reset();
  }
  void Kill() {
    executor_.Clear();
    uplink_.reset();
    spool_.reset();
    server_.current.reset();
    disk_.Kill();
  }

  void Append(int lane, const std::string& id, const std::string& type = "door.opened") {
    Event event;
    event.id = id;
    event.type = type;
    event.receive_time = clock_.Now();
    event.data = "{}";
    spool_->Append({{lane, EncodeEvent(event)}}, [this, id](absl::Status status) {
      if (status.ok()) answered_.push_back(id);
    });
    executor_.RunFor(absl::ZeroDuration());
  }
  void TearDown() override {
    if (!HasFailure()) return;
    for (const std::string& line : log_) std::cerr << "log: " << line << "\n";
  }
  void Run(absl::Duration duration) { executor_.RunFor(duration); }
  bool Drained() const { return spool_->Stats().held_records == 0; }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  SeededRandom random_{11};
  FakeFileSystem disk_;
  FakeIngestServer server_{&executor_, &random_};
  RememberingSetAside set_aside_;
  std::vector<std::string> log_;
  std::vector<std::string> answered_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Uplink> uplink_;
};

TEST_F(UplinkTest, SendsWhatComesAndFreesWhatIsAcked) {
  Run(absl::Seconds(1));
  EXPECT_TRUE(uplink_->Stats().connected);
  ASSERT_THAT(server_.hellos, SizeIs(1));
  EXPECT_EQ(server_.hellos[0].agent(), "gate-1");
  Append(1, "a");
  Append(3, "b");
  Run(absl::Seconds(1));
  EXPECT_THAT(server_.arrived, testing::UnorderedElementsAre("a", "b"));
  EXPECT_TRUE(Drained());
  EXPECT_EQ(uplink_->Stats().acked_events, 2u);
}

TEST_F(UplinkTest, WhatPilesUpArrivesOnceInOrderAfterAnOutage) {
  server_.down = true;
  Run(absl::Seconds(1));
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    ids.push_back(absl::StrCat("e", i));
    Append(1, ids.back());
    Run(absl::Seconds(1));
  }
  EXPECT_THAT(server_.arrived, IsEmpty());
  EXPECT_LT(uplink_->Stats().connects, 60u) << "it must back off";
  EXPECT_GT(uplink_->Stats().connects, 8u) << "it must go on trying";
  server_.down = false;
  Run(absl::Seconds(40));
  EXPECT_EQ(server_.arrived, ids);
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, ANetworkThatBreaksAllTheTimeLosesAndDoublesNothing) {
  server_.break_before = 0.1;
  server_.break_after = 0.1;
  std::set<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    const std::string id = absl::StrCat("e", i);
    ids.insert(id);
    Append(i % 4, id);
    Run(absl::Milliseconds(200));
  }
  server_.break_before = server_.break_after = 0;
  Run(absl::Minutes(2));
  EXPECT_TRUE(Drained());
  EXPECT_EQ(std::set(server_.arrived.begin(), server_.arrived.end()), ids);
  EXPECT_EQ(server_.arrived.size(), ids.size()) << "once";
  EXPECT_GT(uplink_->Stats().connects, 20u);
}

TEST_F(UplinkTest, AKilledAgentDrainsItsOldEpochFirst) {
  server_.hold_acks = true;  // the server has them, the agent does not know
  Append(1, "a");
  Append(1, "b");
  Run(absl::Seconds(1));
  EXPECT_THAT(server_.arrived, ElementsAre("a", "b"));
  server_.hold_acks = false;
  server_.down = true;
  Append(1, "c");
  Kill();
  OpenSpool();
  StartUplink();
  Append(1, "d");
  Run(absl::Seconds(1));
  ASSERT_THAT(spool_->Epochs(), SizeIs(2));
  server_.down = false;
  Run(absl::Minutes(1));
  EXPECT_THAT(server_.arrived, ElementsAre("a", "b", "c", "d"));
  EXPECT_TRUE(Drained());
  EXPECT_THAT(spool_->Epochs(), SizeIs(1));
  EXPECT_EQ(server_.hellos.back().epoch(), spool_->Epochs()[0].epoch);
}

TEST_F(UplinkTest, KeepsWithinTheWindowAndLeavesRoomForAlarms) {
  server_.hold_acks = true;
  Run(absl::Seconds(1));
  for (int i = 0; i < 100; ++i) Append(1, absl::StrCat("e", i));
  Run(absl::Seconds(1));
  EXPECT_THAT(server_.arrived, SizeIs(12));
  for (int i = 0; i < 100; ++i) Append(3, absl::StrCat("alarm", i));
  Run(absl::Seconds(1));
  EXPECT_THAT(server_.arrived, SizeIs(16));
  EXPECT_EQ(server_.arrived.back(), "alarm3");
}

TEST_F(UplinkTest, UrgentLanesGoFirstAndNoneStarves) {
  server_.down = true;
  Run(absl::Seconds(1));
  for (int i = 0; i < 200; ++i) {
    Append(3, absl::StrCat("alarm", i));
    Append(2, absl::StrCat("soon", i));
    Append(0, absl::StrCat("later", i));
  }
  server_.down = false;
  while (server_.order.size() < 40) Run(absl::Milliseconds(10));
  std::map<int, int> batches;
  for (const int lane : server_.order) ++batches[lane];
  EXPECT_GT(batches[3], 30);
  EXPECT_GE(batches[2], 1);
  EXPECT_GE(batches[0], 1);
}

TEST_F(UplinkTest, HonoursRetryAfterAndSendsAgain) {
  Run(absl::Seconds(1));
  server_.busy = true;
  for (int i = 0; i < 20; ++i) Append(1, absl::StrCat("e", i));
  Run(absl::Milliseconds(500));
  const int messages = server_.messages;
  Run(absl::Seconds(1));
  EXPECT_EQ(server_.messages, messages) << "not before the time";
  EXPECT_TRUE(uplink_->Stats().told_to_wait);
  server_.busy = false;
  Run(absl::Seconds(3));
  EXPECT_FALSE(uplink_->Stats().told_to_wait);
  EXPECT_THAT(server_.arrived, SizeIs(20));
  EXPECT_EQ(server_.arrived.front(), "e0");
  EXPECT_TRUE(Drained());
  EXPECT_EQ(uplink_->Stats().connects, 1u);
}

TEST_F(UplinkTest, SetsRejectedEventsAsideAndGoesOn) {
  server_.rejects = {"bad.one"};
  Append(1, "a");
  Append(1, "b", "bad.one");
  Append(1, "c");
  Run(absl::Seconds(1));
  EXPECT_THAT(server_.arrived, ElementsAre("a", "c"));
  ASSERT_THAT(set_aside_.events, SizeIs(1));
  EXPECT_EQ(set_aside_.events[0].sequence, 2u);
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(set_aside_.events[0].record));
  EXPECT_EQ(event.id(), "b");
  EXPECT_EQ(uplink_->Stats().rejected_events, 1u);
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, AConflictingNumberIsReplacedNotLost) {
  server_.rejects = {"taken"};
  server_.reject_reason = "SEQUENCE_CONFLICT";
  Append(1, "a", "taken");
  Run(absl::Milliseconds(300));
  server_.rejects.clear();
  Run(absl::Seconds(5));
  EXPECT_THAT(server_.arrived, ElementsAre("a"));
  EXPECT_THAT(set_aside_.events, IsEmpty());
  EXPECT_GE(uplink_->Stats().rescued_events, 1u);
}

TEST_F(UplinkTest, AStreamThatEndsOverAConflictLosesNothing) {
  Run(absl::Seconds(1));
  server_.silent = true;
  Append(1, "a");
  Run(absl::Seconds(1));
  server_.silent = false;
  server_.cursors[{spool_->Epochs().back().epoch, 1}] = 1;  // somebody else's 1
  server_.current->End(MakeError(absl::StatusCode::kAborted, "SEQUENCE_CONFLICT", "other checksum",
                                 {{"lane", "1"}, {"sequence", "1"}}));
  Run(absl::Seconds(5));
  EXPECT_THAT(server_.arrived, ElementsAre("a"));
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, NumbersThatAnotherCopyUsedAreNotTakenForOurs) {
  Append(1, "a");
  Run(absl::Seconds(1));
  const uint64_t epoch = spool_->Epochs().back().epoch;
  StopCleanly();
  server_.cursors[{epoch, 1}] = 5;  // a restored copy went on from here
  OpenSpool();
  StartUplink();
  Append(1, "b");
  Append(1, "c");
  Run(absl::Seconds(10));
  EXPECT_THAT(server_.arrived, ElementsAre("a", "b", "c"));
  EXPECT_NE(spool_->Epochs().back().epoch, epoch);
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, ReportsWhatIsDamagedAsDropped) {
  server_.down = true;
  Run(absl::Seconds(1));
  for (int i = 0; i < 3; ++i) Append(1, absl::StrCat("e", i));
  std::string path;
  for (const std::string& name : disk_.Paths()) {
    if (absl::EndsWith(name, ".segment")) path = name;
  }
  disk_.Damage(path, kSegmentHeaderBytes + kRecordHeaderBytes);
  disk_.Damage(path, disk_.SizeOf(path) - 1);
  server_.down = false;
  Run(absl::Minutes(1));
  EXPECT_THAT(server_.arrived, ElementsAre("e1"));
  EXPECT_EQ(server_.dropped, 2u);
  EXPECT_EQ(uplink_->Stats().dropped_events, 2u);
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, TellsWhatARestoredServerHasLost) {
  for (int i = 0; i < 5; ++i) Append(1, absl::StrCat("e", i));
  Run(absl::Minutes(1));
  EXPECT_TRUE(Drained());
  // The server's database is as it was before e2 came.
  server_.down = true;
  server_.current->End(absl::UnavailableError("restarting"));
  Run(absl::Seconds(1));
  for (auto& [lane, cursor] : server_.cursors) cursor = std::min<uint64_t>(cursor, 2);
  Append(1, "e5");
  server_.down = false;
  Run(absl::Minutes(1));
  EXPECT_THAT(server_.arrived, ElementsAre("e0", "e1", "e2", "e3", "e4", "e5"));
  EXPECT_EQ(server_.dropped, 3u);
  EXPECT_EQ(uplink_->Stats().dropped_events, 3u);
  EXPECT_THAT(log_, testing::Contains(testing::HasSubstr("restore of a backup")));
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, GivesUpOnASilentServerAndComesBack) {
  Run(absl::Seconds(1));
  server_.silent = true;
  Append(1, "a");
  Run(absl::Minutes(2));
  EXPECT_GE(uplink_->Stats().connects, 2u);
  server_.silent = false;
  Run(absl::Minutes(2));
  EXPECT_THAT(server_.arrived, ElementsAre("a"));
}

TEST_F(UplinkTest, SaysWhyTheLastStreamBrokeUntilTheNextOneStands) {
  Run(absl::Seconds(1));
  EXPECT_EQ(uplink_->Stats().error, "");
  server_.current->End(MakeError(absl::StatusCode::kUnauthenticated, error_reason::kApiKeyInvalid,
                                 "the key was deleted"));
  server_.down = true;
  executor_.RunFor(absl::ZeroDuration());
  EXPECT_FALSE(uplink_->Stats().connected);
  EXPECT_EQ(uplink_->Stats().error, "the key was deleted");
  EXPECT_EQ(uplink_->Stats().error_reason, "API_KEY_INVALID");
  Run(absl::Seconds(1));
  EXPECT_EQ(uplink_->Stats().error_reason, "") << "the last one was refused at the door";
  server_.down = false;
  Run(absl::Minutes(1));
  EXPECT_EQ(uplink_->Stats().error, "");
  EXPECT_TRUE(uplink_->Stats().connected);
}

TEST_F(UplinkTest, ANewEpochWhileConnectedIsFollowed) {
  Append(1, "a");
  Run(absl::Seconds(1));
  disk_.FailSyncs(1);
  Append(1, "refused");
  Append(1, "b");
  Run(absl::Seconds(1));
  EXPECT_THAT(server_.arrived, ElementsAre("a", "b"));
  EXPECT_TRUE(Drained());
}

TEST_F(UplinkTest, StopLeavesTheRestForTheNextStart) {
  server_.down = true;
  Append(1, "a");
  Run(absl::Seconds(1));
  StopCleanly();
  server_.down = false;
  OpenSpool();
  StartUplink();
  Run(absl::Seconds(5));
  EXPECT_THAT(server_.arrived, ElementsAre("a"));
}

}  // namespace
}  // namespace latchwire::edge
