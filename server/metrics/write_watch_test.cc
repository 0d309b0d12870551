#include "server/metrics/write_watch.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/base/testing/captured_log.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

class WriteWatchTest : public ::testing::Test {
 protected:
  WriteWatchTest() { writer_.AddObserver(&watch_); }

  void Write() {
    writer_.Submit(PurgeDeleted(), [](const auto&) {});
    writer_.Step();
  }

  CapturedLog log_;
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_ = NewMemoryStore(database_);
  WriteWatch watch_;
  Writer writer_{store_.get(), WriterOptions()};
};

TEST_F(WriteWatchTest, SaysOnceThatTheStoreFailsAndOnceThatItIsBack) {
  Write();
  EXPECT_EQ(log_.lines().size(), 0u);
  database_->FailWrites(2, "disk full");
  Write();
  Write();
  EXPECT_TRUE(watch_.counters().failing);
  EXPECT_EQ(watch_.counters().failed_commits, 2);
  EXPECT_EQ(log_.lines().size(), 1u);
  EXPECT_NE(log_.lines()[0].Field("error").find("disk full"), std::string::npos);
  Write();
  Write();
  EXPECT_FALSE(watch_.counters().failing);
  EXPECT_EQ(watch_.counters().commits, 3);
  EXPECT_EQ(log_.lines().size(), 2u);
}

TEST_F(WriteWatchTest, AMutationsOwnErrorIsNoFaultOfTheStore) {
  writer_.Submit(DeleteWebhook{{kDefaultTenant, 7}}, [](const auto&) {});
  writer_.Step();
  EXPECT_FALSE(watch_.counters().failing);
  EXPECT_EQ(watch_.counters().commits, 1);
}

}  // namespace
}  // namespace latchwire
