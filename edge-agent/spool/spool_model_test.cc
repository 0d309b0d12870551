// Random work, faults and crashes against the real spool, and a server as simple as can be that
// says what must hold: whatever was answered arrives, once; a number never means two things;
// numbers come without holes; appends of several records are never split.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/testing/simulated_world.h"
#include "edge-agent/spool/spool.h"
#include "edge-agent/spool/testing/fake_file_system.h"

namespace latchwire::edge {
namespace {

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) { Open(); }

  void Step() {
    switch (Pick(100)) {
      case 0:
        PowerCut();
        return;
      case 1:
        Kill();
        return;
      case 2:
        CleanRestart();
        return;
      case 3:
        disk_.FailSyncs(1);
        return;
      case 4:
        disk_.FailAppends(Pick(2) ? 0.3 : 0, &random_);
        return;
      case 5:
        disk_.FailTruncates(Pick(3) == 0);
        return;
      case 6:
        disk_.SetCapacity(Pick(2) ? ~uint64_t{0} : disk_.TotalBytes() + Pick(2000));
        return;
      default:
        break;
    }
    if (Pick(2) == 0) {
      Append();
    } else if (Pick(2) == 0) {
      for (uint64_t i = Pick(4); i > 0; --i) executor_.RunOne();
    } else {
      Uplink(/*lose_acks=*/Pick(3) == 0);
    }
  }

  // Heals the disk and drains; then every answered append must have arrived.
  void Finish() {
    disk_.FailAppends(0, nullptr);
    disk_.FailTruncates(false);
    disk_.FailSyncs(0);
    disk_.SetCapacity(~uint64_t{0});
    executor_.RunUntilIdle();
    Kill();
    for (int round = 0; round < 100'000 && !Drained(); ++round) {
      Uplink(false);
      executor_.RunUntilIdle();
    }
    ASSERT_TRUE(Drained());
    for (const int batch : answered_) {
      EXPECT_EQ(arrived_[batch].size(), static_cast<size_t>(sizes_[batch])) << "batch " << batch;
    }
    for (const auto& [batch, parts] : arrived_) {
      EXPECT_EQ(parts.size(), static_cast<size_t>(sizes_[batch])) << "split: batch " << batch;
    }
    EXPECT_LE(disk_.Paths().size(), 6u) << "acked segments are gone";
  }

  int crashes() const { return crashes_; }
  size_t answered() const { return answered_.size(); }

 private:
  uint64_t Pick(uint64_t below) { return random_.NextUint64() % below; }

  void Open() {
    // A disk that is full or broken may refuse the open; an operator would heal it.
    disk_.FailSyncs(0);
    auto spool = Spool::Open({.directory = "spool", .max_bytes = 20'000, .segment_bytes = 1500},
                             &disk_, &executor_, &random_);
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
    ++life_;
  }

  void PowerCut() {
    ++crashes_;
    executor_.Clear();
    disk_.Crash(&random_);
    spool_.reset();
    Open();
  }

  void Kill() {
    ++crashes_;
    executor_.Clear();
    disk_.Kill();
    spool_.reset();
    Open();
  }

  void CleanRestart() {
    spool_->Close([](absl::Status) {});
    executor_.RunUntilIdle();
    spool_.reset();
    Open();
  }

  void Append() {
    const int batch = next_batch_++;
    sizes_[batch] = static_cast<int>(1 + Pick(3));
    std::vector<SpoolRecord> records;
    for (int part = 0; part < sizes_[batch]; ++part) {
      records.push_back({static_cast<int>(Pick(4)),
                         absl::StrCat(batch, "/", part, "/", std::string(Pick(200), '.'))});
    }
    spool_->Append(std::move(records), [this, batch](absl::Status status) {
      if (status.ok()) answered_.insert(batch);
    });
  }

  bool Drained() const {
    const auto epochs = spool_->Epochs();
    return epochs.size() == 1 && epochs[0].empty();
  }

  void Uplink(bool lose_acks) {
    const auto epochs = spool_->Epochs();
    for (const SpoolEpoch& epoch : epochs) {
      if (epoch.empty()) continue;
      for (int lane = 0; lane < kSpoolLanes; ++lane) {
        uint64_t& cursor = cursors_[{epoch.epoch, lane}];
        // From what the spool holds, even if the server has it: it must be the same.
        const uint64_t from =
            Pick(2) ? epoch.lanes[lane].first - 1 : std::max(cursor, epoch.lanes[lane].first - 1);
        for (const auto& record : spool_->Read(epoch.epoch, lane, from, 1 + Pick(20), 4000)) {
          Receive(epoch.epoch, lane, record);
        }
        if (!lose_acks) spool_->Acked(epoch.epoch, lane, cursor);
      }
      if (!epoch.current) return;  // an older epoch drains first
    }
  }

  void Receive(uint64_t epoch, int lane, const SpooledRecord& record) {
    const auto key = std::tuple(epoch, lane, record.sequence);
    const auto [it, fresh] = numbers_.try_emplace(key, record.payload);
    EXPECT_EQ(it->second, record.payload) << "a number means two things";
    uint64_t& cursor = cursors_[{epoch, lane}];
    if (record.sequence <= cursor) return;  // deduplicated
    EXPECT_TRUE(fresh);
    EXPECT_EQ(record.sequence, cursor + 1) << "a hole";
    cursor = record.sequence;
    const std::vector<std::string> fields = absl::StrSplit(record.payload, '/');
    int batch = 0, part = 0;
    ASSERT_TRUE(absl::SimpleAtoi(fields[0], &batch) && absl::SimpleAtoi(fields[1], &part));
    EXPECT_TRUE(arrived_[batch].insert(part).second) << "arrived twice: " << batch << "/" << part;
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SimulatedExecutor executor_{&clock_};
  SeededRandom random_;
  FakeFileSystem disk_;
  std::unique_ptr<Spool> spool_;
  int life_ = 0;
  int crashes_ = 0;
  int next_batch_ = 0;
  std::map<int, int> sizes_;
  std::set<int> answered_;
  std::map<std::pair<uint64_t, int>, uint64_t> cursors_;
  std::map<std::tuple<uint64_t, int, uint64_t>, std::string> numbers_;
  std::map<int, std::set<int>> arrived_;
};

TEST(SpoolModelTest, WhatWasAnsweredArrivesOnce) {
  int crashes = 0;
  size_t answered = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed);
    for (int step = 0; step < 600; ++step) {
      world.Step();
      if (testing::Test::HasFailure()) return;
    }
    world.Finish();
    if (testing::Test::HasFailure()) return;
    crashes += world.crashes();
    answered += world.answered();
  }
  EXPECT_GT(crashes, 1000) << "the test must test";
  EXPECT_GT(answered, 10'000u);
}

}  // namespace
}  // namespace latchwire::edge
