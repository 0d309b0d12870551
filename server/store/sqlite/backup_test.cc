#include "server/store/sqlite/backup.h"

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/testing/temporary_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

using testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  std::unique_ptr<Store> Open(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    auto store = OpenSqliteStore(options);
    EXPECT_EQ(store.status(), absl::OkStatus());
    return store.ok() ? *std::move(store) : nullptr;
  }
  AppendPublished EventAt(int i) {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.now = absl::FromUnixSeconds(1'767'225'600);
    NewEvent& incoming = append.events.emplace_back();
    incoming.event = std::make_shared<Event>();
    incoming.event->id = "event-" + std::to_string(i);
    incoming.event->type = "a";
    incoming.event->data = std::string(3000, 'x');
    return append;
  }
  void Write(Store* store, const AppendPublished& append) {
    ASSERT_EQ(WriteOne(*store, append).status(), absl::OkStatus());
  }
  std::vector<int64_t> Numbers(Store* store) {
    std::vector<int64_t> numbers;
    const auto page = store->ListEvents(kDefaultTenant, {}, 0, 4000);
    for (const Event& event : page->events) numbers.push_back(event.number);
    return numbers;
  }

  const TemporaryFolder folder_;
  const std::string database_ = folder_.File("latchwire.db");
  const std::string backup_ = folder_.File("backup.db");
  const std::string restored_ = folder_.File("restored.db");
};

TEST_F(BackupTest, ComesBackWhileOthersWrite) {
  const auto store = Open(database_);
  for (int i = 0; i < 100; ++i) Write(store.get(), EventAt(i));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 100; i < 100'000 && !stop; ++i) {
      EXPECT_EQ(WriteOne(*store, EventAt(i)).status(), absl::OkStatus());
    }
  });
  const absl::Status status = BackUpSqlite(database_, backup_);
  stop = true;
  writer.join();
  ASSERT_EQ(status, absl::OkStatus());
  struct stat info;
  ASSERT_EQ(stat(backup_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(backup_ + "-wal"));  // one file is all of it

  ASSERT_EQ(RestoreSqlite(backup_, restored_), absl::OkStatus());
  const auto copy = Open(restored_);
  const std::vector<int64_t> numbers = Numbers(copy.get());
  ASSERT_GE(numbers.size(), 100u);
  EXPECT_EQ(numbers.front(), static_cast<int64_t>(numbers.size()));  // one commit's end, no holes
  EXPECT_GE(Numbers(store.get()).size(), numbers.size());
  Write(copy.get(), EventAt(1'000'000));
  size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(backup_).parent_path())) {
    files += entry.path().string().find(".new-") != std::string::npos;
  }
  EXPECT_EQ(files, 0u);
}

TEST_F(BackupTest, ReplacesNothing) {
  auto store = Open(database_);
  ASSERT_EQ(BackUpSqlite(database_, backup_), absl::OkStatus());
  EXPECT_THAT(BackUpSqlite(database_, backup_).message(), HasSubstr("is not overwritten"));
  EXPECT_THAT(RestoreSqlite(backup_, database_).message(), HasSubstr("exists"));
  std::ofstream(restored_ + "-wal") << "x";
  EXPECT_THAT(RestoreSqlite(backup_, restored_).message(), HasSubstr("-wal exists"));
  EXPECT_THAT(BackUpSqlite(folder_.File("none.db"), folder_.File("b2")).message(),
              HasSubstr("there is no database"));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("none.db")));
}

TEST_F(BackupTest, TakesOnlyWhatIsOursAndWhole) {
  {
    auto store = Open(database_);
    for (int i = 0; i < 50; ++i) Write(store.get(), EventAt(i));
  }
  const std::string text = folder_.File("text");
  std::ofstream(text) << std::string(10'000, 'x');
  EXPECT_FALSE(RestoreSqlite(text, restored_).ok());

  ASSERT_EQ(BackUpSqlite(database_, backup_), absl::OkStatus());
  const auto change = [&](const std::string& sql) {
    sqlite::ConnectionOptions options;
    options.path = backup_;
    ASSERT_EQ((*sqlite::Connection::Open(options))->Execute(sql + "PRAGMA journal_mode = DELETE;"),
              absl::OkStatus());
  };
  change("PRAGMA user_version = 999;");
  EXPECT_THAT(RestoreSqlite(backup_, restored_).message(), HasSubstr("schema version 999"));
  change("PRAGMA user_version = 2; PRAGMA application_id = 7;");
  EXPECT_THAT(RestoreSqlite(backup_, restored_).message(),
              HasSubstr("not a database of Latchwire"));
  EXPECT_FALSE(std::filesystem::exists(restored_));

  std::filesystem::remove(backup_);
  ASSERT_EQ(BackUpSqlite(database_, backup_), absl::OkStatus());
  {
    std::fstream file(backup_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8 * 4096);
    file << std::string(4 * 4096, '\xee');
  }
  EXPECT_THAT(RestoreSqlite(backup_, restored_).message(), HasSubstr("damaged"));
  EXPECT_FALSE(std::filesystem::exists(restored_));
}

}  // namespace
}  // namespace latchwire
