#include "edge-agent/spool/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/testing/simulated_world.h"
#include "edge-agent/spool/testing/fake_file_system.h"

namespace latchwire::edge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() { Open(); }

  void Open() {
    auto spool = Spool::Open(options_, &disk_, &executor_, &random_);
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
  }
  void CloseAndOpen() {
    absl::Status closed = absl::UnknownError("never called");
    spool_->Close([&](absl::Status status) { closed = status; });
    executor_.RunUntilIdle();
    EXPECT_TRUE(closed.ok()) << closed;
    Open();
  }
  void KillAndOpen() {
    executor_.Clear();
    disk_.Kill();
    spool_.reset();
    Open();
  }

  absl::Status Append(std::vector<SpoolRecord> records) {
    absl::Status result = absl::UnknownError("never called");
    spool_->Append(std::move(records), [&](absl::Status status) { result = status; });
    executor_.RunFor(absl::ZeroDuration());
    return result;
  }
  absl::Status Append(int lane, std::string payload) {
    return Append(std::vector<SpoolRecord>{{lane, std::move(payload)}});
  }
  void Ack(uint64_t epoch, int lane, uint64_t through) {
    spool_->Acked(epoch, lane, through);
    executor_.RunFor(absl::Seconds(10));
  }

  uint64_t current() const { return spool_->Epochs().back().epoch; }
  std::vector<std::string> Held(uint64_t epoch, int lane, uint64_t after = 0) {
    std::vector<std::string> result;
    for (const SpooledRecord& record : spool_->Read(epoch, lane, after, 1000, 1 << 20)) {
      result.push_back(absl::StrCat(record.sequence, ":", record.payload));
    }
    return result;
  }
  std::vector<std::string> Segments() const {
    std::vector<std::string> result;
    for (const std::string& path : disk_.Paths()) {
      if (absl::EndsWith(path, ".segment")) result.push_back(path);
    }
    return result;
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  SeededRandom random_{7};
  FakeFileSystem disk_;
  SpoolOptions options_{.directory = "spool", .segment_bytes = 1000};
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, NumbersEachLaneFromOne) {
  EXPECT_TRUE(Append(1, "a").ok());
  EXPECT_TRUE(Append(3, "alarm").ok());
  EXPECT_TRUE(Append(1, "b").ok());
  EXPECT_THAT(Held(current(), 1), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(Held(current(), 3), ElementsAre("1:alarm"));
  EXPECT_THAT(Held(current(), 0), IsEmpty());
  EXPECT_THAT(Held(current(), 1, 1), ElementsAre("2:b"));
  const SpoolEpoch epoch = spool_->Epochs().back();
  EXPECT_EQ(epoch.lanes[1].first, 1u);
  EXPECT_EQ(epoch.lanes[1].last, 2u);
  EXPECT_TRUE(epoch.lanes[0].empty());
}

TEST_F(SpoolTest, AnswersOnlyAfterTheSync) {
  bool answered = false;
  spool_->Append({{1, "a"}}, [&](absl::Status status) { answered = status.ok(); });
  EXPECT_FALSE(answered);
  const int before = disk_.sync_count();
  EXPECT_THAT(Held(current(), 1), IsEmpty()) << "what is not durable must not be sent";
  executor_.RunFor(absl::ZeroDuration());
  EXPECT_TRUE(answered);
  EXPECT_EQ(disk_.sync_count(), before + 1);
}

TEST_F(SpoolTest, OneSyncCoversAllThatWait) {
  ASSERT_TRUE(Append(1, "first").ok());
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    spool_->Append({{i % 4, "x"}}, [&](absl::Status status) { answered += status.ok(); });
  }
  const int before = disk_.sync_count();
  executor_.RunFor(absl::ZeroDuration());
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(disk_.sync_count(), before + 1);
}

TEST_F(SpoolTest, ACleanCloseKeepsTheEpochAndTheCursors) {
  const uint64_t epoch = current();
  ASSERT_TRUE(Append(1, "a").ok());
  ASSERT_TRUE(Append(1, "b").ok());
  ASSERT_TRUE(Append(2, "c").ok());
  spool_->Acked(epoch, 1, 1);
  CloseAndOpen();
  EXPECT_EQ(current(), epoch);
  ASSERT_TRUE(Append(1, "d").ok());
  EXPECT_EQ(spool_->Epochs().back().lanes[1].first, 2u);
  EXPECT_THAT(Held(epoch, 1, 1), ElementsAre("2:b", "3:d"));
  EXPECT_THAT(Held(epoch, 2), ElementsAre("1:c"));
}

TEST_F(SpoolTest, ACleanCloseRemembersNumbersWhoseRecordsAreGone) {
  const uint64_t epoch = current();
  ASSERT_TRUE(Append(1, "a").ok());
  Ack(epoch, 1, 1);
  CloseAndOpen();
  CloseAndOpen();
  EXPECT_EQ(current(), epoch);
  ASSERT_TRUE(Append(1, "b").ok());
  EXPECT_THAT(Held(epoch, 1), testing::Contains("2:b"));
}

TEST_F(SpoolTest, AfterAKillSurvivorsKeepTheirNumbersAndNewOnesGetANewEpoch) {
  const uint64_t before = current();
  ASSERT_TRUE(Append(1, "a").ok());
  ASSERT_TRUE(Append(1, "b").ok());
  KillAndOpen();
  ASSERT_THAT(spool_->Epochs(), SizeIs(2));
  EXPECT_EQ(spool_->Epochs()[0].epoch, before);
  EXPECT_NE(current(), before);
  ASSERT_TRUE(Append(1, "c").ok());
  EXPECT_THAT(Held(before, 1), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(Held(current(), 1), ElementsAre("1:c"));
  KillAndOpen();
  ASSERT_THAT(spool_->Epochs(), SizeIs(3));
  EXPECT_EQ(spool_->Epochs()[0].epoch, before) << "oldest first";
  Ack(before, 1, 2);
  EXPECT_THAT(spool_->Epochs(), SizeIs(2));
  EXPECT_THAT(Segments(), SizeIs(1));
}

TEST_F(SpoolTest, ACopyGetsANewEpoch) {
  const uint64_t before = current();
  ASSERT_TRUE(Append(1, "a").ok());
  spool_->Close([](absl::Status) {});
  executor_.RunUntilIdle();
  disk_.CopyToAnotherFolder();
  Open();
  EXPECT_NE(current(), before);
  EXPECT_THAT(Held(before, 1), ElementsAre("1:a"));
}

TEST_F(SpoolTest, AnotherMachineGetsANewEpoch) {
  const uint64_t before = current();
  ASSERT_TRUE(Append(1, "a").ok());
  options_.machine_identity = "serial-2";
  CloseAndOpen();
  EXPECT_NE(current(), before);
}

TEST_F(SpoolTest, AnEnvelopeThatIsHalfOnDiskIsNotThere) {
  ASSERT_TRUE(Append(1, "before").ok());
  const uint64_t epoch = current();
  const std::string path = Segments()[0];
  ASSERT_TRUE(Append({{1, "one"}, {3, "two"}, {1, "three"}}).ok());
  disk_.Damage(path, disk_.SizeOf(path) - 1);  // the last record is torn
  KillAndOpen();
  EXPECT_THAT(Held(epoch, 1), ElementsAre("1:before"));
  EXPECT_THAT(Held(epoch, 3), IsEmpty());
}

TEST_F(SpoolTest, DamageInTheMiddleCostsOnlyTheDamagedRecord) {
  ASSERT_TRUE(Append(1, "aaaa").ok());
  const std::string path = Segments()[0];
  const uint64_t offset = disk_.SizeOf(path);
  ASSERT_TRUE(Append(1, "bbbb").ok());
  ASSERT_TRUE(Append(1, "cccc").ok());
  const uint64_t epoch = current();
  disk_.Damage(path, offset + kRecordHeaderBytes);
  EXPECT_THAT(Held(epoch, 1), ElementsAre("1:aaaa", "3:cccc"));
  EXPECT_GT(spool_->Stats().damaged_places, 0u);
  CloseAndOpen();
  EXPECT_NE(current(), epoch) << "damage among the newest records ends the epoch";
  EXPECT_THAT(Held(epoch, 1), ElementsAre("1:aaaa", "3:cccc"));
}

TEST_F(SpoolTest, APayloadThatLooksLikeARecordIsNeverTakenForOne) {
  std::string forged;
  EncodeRecord(/*epoch=*/12345, 3, 1, false, 24, "forged", &forged);
  ASSERT_TRUE(Append(1, forged).ok());
  ASSERT_TRUE(Append(1, "after").ok());
  const uint64_t epoch = current();
  disk_.Damage(Segments()[0], kSegmentHeaderBytes);  // so that the reader searches the payload
  KillAndOpen();
  EXPECT_THAT(Held(epoch, 3), IsEmpty());
  EXPECT_THAT(Held(epoch, 1), ElementsAre("2:after"));
}

TEST_F(SpoolTest, RemovesSegmentsThatNothingIsLeftOf) {
  const uint64_t epoch = current();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Append(1, std::string(100, 'x')).ok());
  ASSERT_GT(Segments().size(), 10u);
  ASSERT_TRUE(Append(2, "holds its segment").ok());
  Ack(epoch, 1, 50);
  EXPECT_LT(Segments().size(), 8u);
  EXPECT_THAT(Held(epoch, 1, 50), SizeIs(50));
  Ack(epoch, 1, 100);
  EXPECT_THAT(Segments(), SizeIs(1));
  EXPECT_THAT(Held(epoch, 2), SizeIs(1));
}

TEST_F(SpoolTest, KeepsNoFileOpenThatItRemoved) {
  const uint64_t epoch = current();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(1, std::string(100, 'x')).ok());
  ASSERT_THAT(Held(epoch, 1), SizeIs(20));
  Ack(epoch, 1, 5);
  EXPECT_THAT(Held(epoch, 1, 5), SizeIs(15));
  EXPECT_THAT(spool_->Read(epoch, 1, 5, 5, 1 << 20), SizeIs(5));  // stops in an old segment
  Ack(epoch, 1, 19);
  EXPECT_EQ(disk_.RemovedButOpen(), 0) << "it would keep a full disk full";
}

TEST_F(SpoolTest, RefusesPastItsLimitAndTakesAgainAfterAcks) {
  options_.max_bytes = 5000;
  CloseAndOpen();
  const uint64_t epoch = current();
  uint64_t accepted = 0;
  absl::Status status;
  while ((status = Append(1, std::string(200, 'x'))).ok()) ++accepted;
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_GE(accepted, 20u);
  EXPECT_LE(disk_.TotalBytes(), 5200u);
  EXPECT_EQ(Held(epoch, 1).size(), accepted);
  Ack(epoch, 1, accepted);
  EXPECT_TRUE(Append(1, "again").ok());
  EXPECT_EQ(current(), epoch);
}

TEST_F(SpoolTest, RefusesWhatTheDiskCannotKeepUpWith) {
  options_.max_waiting_bytes = 1000;
  CloseAndOpen();
  std::vector<absl::StatusCode> codes;
  for (int i = 0; i < 3; ++i) {
    spool_->Append({{1, std::string(400, 'x')}},
                   [&](absl::Status status) { codes.push_back(status.code()); });
  }
  executor_.RunFor(absl::ZeroDuration());
  EXPECT_THAT(codes, testing::UnorderedElementsAre(absl::StatusCode::kOk, absl::StatusCode::kOk,
                                                   absl::StatusCode::kResourceExhausted));
}

TEST_F(SpoolTest, AFullDiskRefusesAndAcksFreeIt) {
  const uint64_t epoch = current();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(1, std::string(100, 'x')).ok());
  disk_.SetCapacity(disk_.TotalBytes() + 10);
  EXPECT_EQ(Append({{1, "fits"}, {1, std::string(100, 'y')}}).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Held(epoch, 1), SizeIs(20)) << "nothing half done";
  EXPECT_EQ(current(), epoch);
  Ack(epoch, 1, 10);
  EXPECT_TRUE(Append(1, "again").ok());
  EXPECT_THAT(Held(epoch, 1, 20), ElementsAre("21:again"));
}

TEST_F(SpoolTest, AFailedSyncEndsTheEpoch) {
  ASSERT_TRUE(Append(1, "a").ok());
  const uint64_t epoch = current();
  disk_.FailSyncs(1);
  EXPECT_EQ(Append(1, "b").code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(current(), epoch);
  EXPECT_TRUE(Append(1, "c").ok());
  EXPECT_THAT(Held(epoch, 1), ElementsAre("1:a"));
  EXPECT_THAT(Held(current(), 1), ElementsAre("1:c"));
}

TEST_F(SpoolTest, AFailedWriteThatCannotBeUndoneEndsTheEpoch) {
  ASSERT_TRUE(Append(1, "a").ok());
  const uint64_t epoch = current();
  disk_.SetCapacity(disk_.TotalBytes() + 30);
  disk_.FailTruncates(true);
  EXPECT_FALSE(Append({{1, "b"}, {1, "c"}}).ok());
  EXPECT_NE(current(), epoch);
}

TEST_F(SpoolTest, LosingTheCursorsOnlySendsAgain) {
  const uint64_t epoch = current();
  ASSERT_TRUE(Append(1, "a").ok());
  ASSERT_TRUE(Append(1, "b").ok());
  spool_->Acked(epoch, 1, 1);
  executor_.RunFor(absl::Seconds(1));  // less than the delay
  KillAndOpen();
  EXPECT_THAT(Held(epoch, 1), ElementsAre("1:a", "2:b"));
  spool_->Acked(epoch, 1, 1);
  executor_.RunFor(absl::Seconds(10));
  KillAndOpen();
  EXPECT_EQ(spool_->Epochs()[0].lanes[1].first, 2u);
}

TEST_F(SpoolTest, OneProcessAtATime) {
  const auto second = Spool::Open(options_, &disk_, &executor_, &random_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SpoolTest, RefusesWhatIsNoRecord) {
  EXPECT_EQ(Append(4, "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Append(1, std::string(kMaxRecordBytes + 1, 'x')).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Append({}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SpoolTest, CloseFinishesWhatWaitsAndRefusesWhatComesAfter) {
  absl::Status waiting = absl::UnknownError(""), late = absl::OkStatus();
  spool_->Append({{1, "a"}}, [&](absl::Status status) { waiting = status; });
  spool_->Close([](absl::Status) {});
  spool_->Append({{1, "b"}}, [&](absl::Status status) { late = status; });
  executor_.RunUntilIdle();
  EXPECT_TRUE(waiting.ok());
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable);
}

TEST_F(SpoolTest, ReadsInPagesByCountAndBytes) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Append(1, std::string(100, 'x')).ok());
  EXPECT_THAT(spool_->Read(current(), 1, 0, 7, 1 << 20), SizeIs(7));
  EXPECT_THAT(spool_->Read(current(), 1, 7, 100, 350), SizeIs(3));
  EXPECT_THAT(spool_->Read(current(), 1, 10, 100, 1), SizeIs(1)) << "always one";
  EXPECT_EQ(spool_->Read(current(), 1, 45, 100, 1 << 20).front().sequence, 46u);
}

}  // namespace
}  // namespace latchwire::edge
