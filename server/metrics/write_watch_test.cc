#include "server/metrics/write_watch.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>

#include "absl/strings/str_split.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

class WriteWatchTest : public ::testing::Test {
 protected:
  WriteWatchTest() {
    writer_.AddObserver(&watch_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
  }
  ~WriteWatchTest() override { spdlog::set_default_logger(before_); }

  void Write() {
    writer_.Submit(PurgeDeleted(), [](Mutation) {});
    writer_.Step();
  }
  size_t LoggedLines() const {
    const std::string text = log_.str();
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::ostringstream log_;
  std::shared_ptr<MemoryDatabase> database_ = MemoryDatabase::Make();
  std::unique_ptr<Store> store_ = NewMemoryStore(database_);
  WriteWatch watch_;
  Writer writer_{store_.get(), WriterOptions()};
};

TEST_F(WriteWatchTest, SaysOnceThatTheStoreFailsAndOnceThatItIsBack) {
  Write();
  EXPECT_EQ(LoggedLines(), 0);
  database_->FailWrites(2, "disk full");
  Write();
  Write();
  EXPECT_TRUE(watch_.counters().failing);
  EXPECT_EQ(watch_.counters().failed_commits, 2);
  EXPECT_EQ(LoggedLines(), 1);
  EXPECT_NE(log_.str().find("disk full"), std::string::npos);
  Write();
  Write();
  EXPECT_FALSE(watch_.counters().failing);
  EXPECT_EQ(watch_.counters().commits, 3);
  EXPECT_EQ(LoggedLines(), 2);
}

TEST_F(WriteWatchTest, AMutationsOwnErrorIsNoFaultOfTheStore) {
  writer_.Submit(DeleteWebhook{{kDefaultTenant, 7}, 0, {}, 0}, [](Mutation) {});
  writer_.Step();
  EXPECT_FALSE(watch_.counters().failing);
  EXPECT_EQ(watch_.counters().commits, 1);
}

}  // namespace
}  // namespace latchwire
