#include "server/metrics/server_health.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/base/notification.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

class ServerHealthTest : public ::testing::Test {
 protected:
  static WriterOptions TwoMutations() {
    WriterOptions options;
    options.max_queued_mutations = 2;
    return options;
  }
  ServerHealthTest() { writer_.AddObserver(&watch_); }

  void Queue() {
    writer_.Submit(PurgeDeleted(), [](const auto&) {});
  }
  std::string Json() const {
    return ServerHealth({&watch_.counters(), &writer_, &reads_, &draining_}).ToJson();
  }

  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_ = NewMemoryStore(database_);
  WriteWatch watch_;
  Writer writer_{store_.get(), TwoMutations()};
  // Outlive the pool's thread, which waits for them.
  Notification began_, go_on_;
  ThreadReadPool reads_{store_.get(), /*threads=*/1, /*max_queued=*/1};
  std::atomic<bool> draining_{false};
};

constexpr absl::Duration kForever = absl::Minutes(1);
constexpr char kOk[] = "{\"status\":\"ok\",\"reasons\":[]}\n";

TEST_F(ServerHealthTest, RefusesWhileTheQueueOfWritesIsFull) {
  Queue();
  EXPECT_EQ(Json(), kOk);
  Queue();
  EXPECT_EQ(Json(), "{\"status\":\"refusing\",\"reasons\":[\"OVERLOADED\"]}\n");
  writer_.Step();
  EXPECT_EQ(Json(), kOk);
}

TEST_F(ServerHealthTest, RefusesWhileTheStoreCannotWrite) {
  database_->FailWrites(1, "disk full");
  Queue();
  writer_.Step();
  EXPECT_EQ(Json(), "{\"status\":\"refusing\",\"reasons\":[\"STORE_UNAVAILABLE\"]}\n");
  Queue();
  writer_.Step();
  EXPECT_EQ(Json(), kOk);
}

TEST_F(ServerHealthTest, RefusesWhileItDrains) {
  draining_ = true;
  EXPECT_EQ(Json(), "{\"status\":\"refusing\",\"reasons\":[\"SHUTTING_DOWN\"]}\n");
}

TEST_F(ServerHealthTest, FullReadsAloneAreDegraded) {
  ASSERT_TRUE(reads_.Submit([&](Store&) {
    began_.Notify();
    go_on_.WaitFor(kForever);
  }));
  ASSERT_TRUE(began_.WaitFor(kForever));
  EXPECT_EQ(Json(), kOk);
  ASSERT_TRUE(reads_.Submit([](Store&) {}));
  EXPECT_EQ(Json(), "{\"status\":\"degraded\",\"reasons\":[\"READS_OVERLOADED\"]}\n");
  draining_ = true;
  EXPECT_EQ(Json(),
            "{\"status\":\"refusing\",\"reasons\":[\"SHUTTING_DOWN\",\"READS_OVERLOADED\"]}\n");
  go_on_.Notify();
}

}  // namespace
}  // namespace latchwire
