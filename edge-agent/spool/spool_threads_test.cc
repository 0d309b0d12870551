// The spool on a real disk with real threads, as the agent uses it; for the thread sanitizer too.
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "edge-agent/spool/spool.h"

namespace latchwire::edge {
namespace {

// One thread that runs what is posted. What is delayed is not run: the cursors, which may be late.
class ThreadExecutor : public Executor {
 public:
  ~ThreadExecutor() override { Stop(); }
  void Start() {
    thread_ = std::thread([this] { Run(); });
  }
  void Stop() {
    Post(nullptr);
    if (thread_.joinable()) thread_.join();
  }
  void Post(Task task) override {
    MutexLock lock(&mutex_);
    tasks_.push_back(std::move(task));
    changed_.NotifyAll();
  }
  void PostAfter(absl::Duration, Task) override {}

 private:
  void Run() {
    for (;;) {
      Task task;
      {
        MutexLock lock(&mutex_);
        while (tasks_.empty()) changed_.Wait(&mutex_);
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      if (!task) return;
      task();
    }
  }

  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

constexpr int kWriters = 4;
constexpr int kPerWriter = 500;

class SpoolThreadsTest : public testing::Test {
 protected:
  SpoolThreadsTest()
      : folder_(absl::StrCat(testing::TempDir(), "/latchwire_spool_test_",
                             Uuid::MakeV4(SystemRandom()).ToString())) {}
  ~SpoolThreadsTest() override { std::filesystem::remove_all(folder_); }

  const std::string folder_;
};

TEST_F(SpoolThreadsTest, ManyWriteWhileOneReadsAndAcks) {
  ThreadExecutor executor;
  auto opened = Spool::Open({.directory = folder_, .segment_bytes = 20'000}, PosixSpoolFileSystem(),
                            &executor, SystemRandom());
  ASSERT_TRUE(opened.ok()) << opened.status();
  Spool& spool = **opened;
  Mutex mutex;
  CondVar changed;
  int durable = 0;
  spool.SetListener([&] { changed.NotifyAll(); });
  executor.Start();

  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kPerWriter; ++i) {
        spool.Append({{writer, absl::StrCat(i, "/", std::string(100, 'x'))}},
                     [&](absl::Status status) {
                       EXPECT_TRUE(status.ok()) << status;
                       MutexLock lock(&mutex);
                       ++durable;
                       changed.NotifyAll();
                     });
      }
    });
  }
  const uint64_t epoch = spool.Epochs().back().epoch;
  std::array<uint64_t, kSpoolLanes> read{};
  int total = 0;
  while (total < kWriters * kPerWriter) {
    int round = 0;
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      for (const SpooledRecord& record : spool.Read(epoch, lane, read[lane], 50, 1 << 20)) {
        ASSERT_EQ(record.sequence, read[lane] + 1);
        ASSERT_EQ(record.payload.substr(0, record.payload.find('/')), absl::StrCat(read[lane]));
        read[lane] = record.sequence;
        ++round;
      }
      spool.Acked(epoch, lane, read[lane]);
    }
    total += round;
    if (round == 0) {
      MutexLock lock(&mutex);
      changed.WaitFor(&mutex, std::chrono::milliseconds(10));
    }
  }
  for (std::thread& writer : writers) writer.join();
  const auto wait_until_durable_is = [&](int wanted) {
    MutexLock lock(&mutex);
    while (durable != wanted) changed.Wait(&mutex);
  };
  wait_until_durable_is(kWriters * kPerWriter);
  spool.Close([&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    MutexLock lock(&mutex);
    durable = -1;
    changed.NotifyAll();
  });
  wait_until_durable_is(-1);
  executor.Stop();
  EXPECT_EQ(spool.Stats().held_records, 0u);

  ThreadExecutor next_executor;
  auto again =
      Spool::Open({.directory = folder_}, PosixSpoolFileSystem(), &next_executor, SystemRandom());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->Epochs().back().epoch, epoch);
  EXPECT_EQ((*again)->Epochs().back().lanes[3].last, static_cast<uint64_t>(kPerWriter));
}

}  // namespace
}  // namespace latchwire::edge
