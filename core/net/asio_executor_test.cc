#include "core/net/asio_executor.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace latchwire {
namespace {

void Await(AsioExecutor& executor) {
  std::promise<void> done;
  executor.Post([&] { done.set_value(); });
  done.get_future().wait();
}

TEST(AsioExecutor, KeepsTheOrderOfEachThreadAndNeverOverlaps) {
  AsioExecutor executor{"test"};
  executor.Start();
  constexpr int kThreads = 4, kTasks = 2000;
  std::vector<std::vector<int>> seen(kThreads);  // written by the loop's thread alone
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kTasks; ++i) {
        executor.Post([&seen, thread, i] { seen[thread].push_back(i); });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Await(executor);
  for (const auto& order : seen) {
    ASSERT_EQ(order.size(), static_cast<size_t>(kTasks));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(AsioExecutor, DelayedTasksRunByTimeThenByPosting) {
  AsioExecutor executor{"test"};
  std::vector<int> order;
  std::promise<void> done;
  executor.PostAfter(absl::Milliseconds(20), [&] { order.push_back(5); });
  executor.PostAfter(absl::Milliseconds(10), [&] { order.push_back(3); });
  executor.PostAfter(absl::Milliseconds(10), [&] { order.push_back(4); });
  executor.PostAfter(absl::Milliseconds(5), [&] { order.push_back(2); });
  executor.PostAfter(-absl::Seconds(1), [&] { order.push_back(1); });
  executor.PostAfter(absl::Milliseconds(30),
                     [&] { executor.PostAfter(absl::Milliseconds(1), [&] { done.set_value(); }); });
  executor.PostAfter(absl::InfiniteDuration(), [] { FAIL(); });
  executor.PostAfter(absl::Hours(24 * 365 * 1000), [] { FAIL(); });
  executor.Start();
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST(AsioExecutor, StopRunsWhatWasPostedAndDropsWhatIsDelayed) {
  auto guard = std::make_shared<int>(0);
  int runs = 0;
  AsioExecutor executor{"test"};
  executor.Start();
  EXPECT_TRUE(executor.IsRunning());
  for (int i = 0; i < 100; ++i) executor.Post([&] { ++runs; });
  executor.PostAfter(absl::Hours(1), [guard] { FAIL(); });
  executor.Stop();
  EXPECT_EQ(runs, 100);
  EXPECT_FALSE(executor.IsRunning());
  executor.Post([] { FAIL(); });
  executor.Stop();
}

TEST(AsioExecutor, NeverStartedDropsItsTasks) {
  auto guard = std::make_shared<int>(0);
  {
    AsioExecutor executor{"test"};
    executor.Post([guard] { FAIL(); });
    executor.PostAfter(absl::Seconds(1), [guard] { FAIL(); });
    executor.Stop();
  }
  EXPECT_EQ(guard.use_count(), 1);
}

TEST(AsioExecutor, KnowsItsThread) {
  AsioExecutor executor{"test"};
  executor.Start();
  EXPECT_FALSE(executor.IsLoopThread());
  std::promise<bool> inside;
  executor.Post([&] { inside.set_value(executor.IsLoopThread()); });
  EXPECT_TRUE(inside.get_future().get());
}

}  // namespace
}  // namespace latchwire
