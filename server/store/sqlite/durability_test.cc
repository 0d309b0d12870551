// What survives power cuts, full and broken disks, and kills.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/testing/temporary_folder.h"
#include "gtest/gtest.h"
#include "server/store/sqlite/sqlite_store.h"
#include "server/store/sqlite/test_vfs.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using sqlite::DiskOperation;
using sqlite::TestVfs;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);

AppendPublished Events(int count, size_t data_bytes = 10) {
  AppendPublished append;
  append.tenant = kDefaultTenant;
  append.now = kNow;
  for (int i = 0; i < count; ++i) {
    NewEvent& incoming = append.events.emplace_back();
    incoming.event = std::make_shared<Event>();
    incoming.event->id = absl::StrCat("event-", i);
    incoming.event->data = std::string(data_bytes, '1');
  }
  return append;
}

absl::Status Append(Store& store, int count, size_t data_bytes = 10) {
  const Mutation one = Events(count, data_bytes);
  MutationResult result;
  absl::Status status = store.Write({&one, 1}, {&result, 1});
  EXPECT_EQ(result.status(), status);
  return status;
}

int CountEvents(Store& store) {
  int count = 0;
  int64_t before = 0;
  do {
    const auto page = store.ListEvents(kDefaultTenant, {}, before, 1000);
    EXPECT_EQ(page.status(), absl::OkStatus());
    if (!page.ok()) return -1;
    for (size_t i = 0; i + 1 < page->events.size(); ++i) {
      EXPECT_EQ(page->events[i].number, page->events[i + 1].number + 1);
    }
    count += static_cast<int>(page->events.size());
    before = page->next_before;
  } while (before != 0);
  return count;
}

std::unique_ptr<Store> Open(const std::string& path, const std::string& vfs = "",
                            SqliteOptions options = {}) {
  options.path = path;
  options.vfs = vfs;
  auto store = OpenSqliteStore(options);
  EXPECT_EQ(store.status(), absl::OkStatus());
  return store.ok() ? *std::move(store) : nullptr;
}

int CountEventsIn(const std::string& folder) {
  const auto store = Open(folder + "/latchwire.db");
  return CountEvents(*store);
}

// Keeps, beside the database, what a power cut would leave of it: each file as of its last sync.
class PowerCutDisk {
 public:
  explicit PowerCutDisk(TestVfs* vfs) {
    { const auto created = Open(path()); }
    Copy(path(), durable_.File(""));
    vfs->Hook(nullptr, [this](DiskOperation operation, const std::string& path) {
      if (operation == DiskOperation::kSync) Copy(path, durable_.File(""));
      if (watch_ != nullptr) watch_(this);
    });
  }
  std::string path() const { return live_.File("latchwire.db"); }

  // The synced files in a folder of their own.
  std::unique_ptr<TemporaryFolder> CutPower() const {
    auto folder = std::make_unique<TemporaryFolder>();
    for (const char* suffix : {"", "-wal"}) {
      const std::string file = durable_.File(absl::StrCat("latchwire.db", suffix));
      if (std::filesystem::exists(file)) Copy(file, folder->File(""));
    }
    return folder;
  }
  // The same, but of what was not synced some has reached the disk: all but the last `torn` bytes
  // of the log.
  std::unique_ptr<TemporaryFolder> CutPowerTorn(uintmax_t torn) const {
    auto folder = CutPower();
    const std::string log = path() + "-wal";
    if (!std::filesystem::exists(log)) return folder;
    Copy(log, folder->File(""));
    const uintmax_t size = std::filesystem::file_size(log);
    const std::string synced = durable_.File("latchwire.db-wal");
    const uintmax_t synced_size =
        std::filesystem::exists(synced) ? std::filesystem::file_size(synced) : 0;
    std::filesystem::resize_file(folder->File("latchwire.db-wal"),
                                 size - std::min(size - std::min(size, synced_size), torn));
    return folder;
  }

  void (*watch_)(PowerCutDisk*) = nullptr;

 private:
  static void Copy(const std::string& file, const std::string& folder) {
    std::filesystem::copy(file, folder, std::filesystem::copy_options::overwrite_existing);
  }

  const TemporaryFolder live_;
  const TemporaryFolder durable_;
};

TEST(SqliteDurabilityTest, WhatWasAnsweredSurvivesAPowerCut) {
  TestVfs vfs;
  PowerCutDisk disk(&vfs);
  const auto store = Open(disk.path(), TestVfs::name());
  for (int i = 1; i <= 20; ++i) {
    ASSERT_EQ(Append(*store, 3), absl::OkStatus());
    if (i % 7 == 0) {
      ASSERT_EQ(store->Checkpoint(), absl::OkStatus());
    }
    EXPECT_EQ(CountEventsIn(disk.CutPower()->File("")), i * 3);
  }
}

TEST(SqliteDurabilityTest, APowerCutAtAnyMomentLeavesWholeWrites) {
  TestVfs vfs;
  PowerCutDisk disk(&vfs);
  const auto store = Open(disk.path(), TestVfs::name());
  ASSERT_EQ(Append(*store, 4, 5000), absl::OkStatus());
  // A picture after every single disk operation, once clean and once with a torn end.
  static int pictures;
  pictures = 0;
  disk.watch_ = [](PowerCutDisk* disk_now) {
    for (const uintmax_t torn : {uintmax_t{0}, uintmax_t{1000}}) {
      const int count = CountEventsIn(disk_now->CutPowerTorn(torn)->File(""));
      EXPECT_TRUE(count == 4 || count == 11) << count;
      ++pictures;
    }
  };
  ASSERT_EQ(Append(*store, 7, 5000), absl::OkStatus());
  EXPECT_GT(pictures, 20);
  pictures = 0;
  ASSERT_EQ(store->Checkpoint(), absl::OkStatus());
  EXPECT_GT(pictures, 20);
  disk.watch_ = nullptr;
}

TEST(SqliteDurabilityTest, AFullDiskFailsTheWriteAndNothingElse) {
  const TemporaryFolder folder;
  SqliteOptions options;
  options.max_bytes = 300 * 1024;
  const auto store = Open(folder.File("latchwire.db"), "", options);
  int written = 0;
  absl::Status status;
  while (status.ok() && written < 1000) {
    status = Append(*store, 1, 8000);
    if (status.ok()) ++written;
  }
  EXPECT_THAT(status, HasReason("STORE_UNAVAILABLE"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("disk full"));
  EXPECT_EQ(RetryAfterOf(status), absl::Seconds(1));
  EXPECT_GT(written, 5);
  // The next write may succeed again, without reopening; and all of them see the gapless numbers.
  EXPECT_EQ(Append(*store, 1, 1), absl::OkStatus());
  EXPECT_EQ(CountEvents(*store), written + 1);
}

TEST(SqliteDurabilityTest, AnyFailingDiskOperationFailsTheWholeWrite) {
  TestVfs vfs;
  const TemporaryFolder folder;
  const auto store = Open(folder.File("latchwire.db"), TestVfs::name());
  int written = 0;
  for (const int error : {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC}) {
    for (int fail_at = 0;; ++fail_at) {
      int operations = 0;
      vfs.Hook([&](DiskOperation,
                   const std::string&) { return operations++ == fail_at ? error : SQLITE_OK; },
               nullptr);
      const Mutation two[] = {Events(2, 5000), Events(1)};
      MutationResult results[2];
      const absl::Status status = store->Write(two, absl::MakeSpan(results));
      vfs.Hook(nullptr, nullptr);
      if (status.ok()) {
        EXPECT_LE(operations, fail_at);
        EXPECT_GT(operations, 5);
        written += 3;
        break;
      }
      EXPECT_THAT(status, HasReason("STORE_UNAVAILABLE"));
      EXPECT_THAT(status.message(),
                  HasSubstr(error == SQLITE_FULL ? "disk full" : "input/output error"));
      EXPECT_EQ(results[0].status(), status);
      EXPECT_EQ(results[1].status(), status);
      EXPECT_EQ(CountEvents(*store), written);
    }
    EXPECT_EQ(CountEvents(*store), written);
  }
}

TEST(SqliteDurabilityTest, AFailingCheckpointLosesNothing) {
  TestVfs vfs;
  const TemporaryFolder folder;
  const auto store = Open(folder.File("latchwire.db"), TestVfs::name());
  ASSERT_EQ(Append(*store, 5, 5000), absl::OkStatus());
  vfs.Hook(
      [&](DiskOperation, const std::string& path) {
        return absl::EndsWith(path, ".db") ? SQLITE_IOERR_WRITE : SQLITE_OK;
      },
      nullptr);
  EXPECT_THAT(store->Checkpoint(), HasReason("STORE_UNAVAILABLE"));
  EXPECT_EQ(Append(*store, 5), absl::OkStatus());
  vfs.Hook(nullptr, nullptr);
  EXPECT_EQ(store->Checkpoint(), absl::OkStatus());
  EXPECT_EQ(CountEvents(*store), 10);
}

TEST(SqliteDurabilityTest, TheLogStaysBelowItsLimitThoughWritersNeverPause) {
  TestVfs vfs;
  const TemporaryFolder folder;
  SqliteOptions options;
  options.wal_limit_bytes = 200 * 1024;
  options.busy_timeout = absl::Milliseconds(1);
  const std::string path = folder.File("latchwire.db");
  const auto store = Open(path, TestVfs::name(), options);
  const auto other = Open(path, "", options);
  // Every checkpoint finds that another write has come meanwhile, so none of them alone can have
  // the log start over.
  vfs.Hook(nullptr, [&](DiskOperation operation, const std::string& file) {
    if (operation != DiskOperation::kSync || !absl::EndsWith(file, ".db")) return;
    (void)WriteOne(*other, Events(1));
  });
  uintmax_t largest = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Append(*store, 5, 4000), absl::OkStatus());
    ASSERT_EQ(store->Checkpoint(), absl::OkStatus());
    largest = std::max(largest, std::filesystem::file_size(path + "-wal"));
  }
  vfs.Hook(nullptr, nullptr);
  EXPECT_LT(largest, 400 * 1024);
}

// Runs `body` in a fresh process of this test that is to die at a crash point, on a database folder
// that the parent looks at afterwards.
class SqliteCrashTest : public testing::Test {
 protected:
  SqliteCrashTest() {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    const char* folder = std::getenv("LATCHWIRE_CRASH_TEST_FOLDER");
    if (folder != nullptr) {
      path_ = absl::StrCat(folder, "/latchwire.db");
      return;
    }
    folder_.emplace();
    path_ = folder_->File("latchwire.db");
    setenv("LATCHWIRE_CRASH_TEST_FOLDER", folder_->File("").c_str(), 1);
  }
  ~SqliteCrashTest() override {
    if (folder_) unsetenv("LATCHWIRE_CRASH_TEST_FOLDER");
  }
  // Ten events are answered before the crash point is armed by its pass.
  static void RunUntil(const std::string& path, const std::string& crash_at) {
    setenv("LATCHWIRE_CRASH_AT", crash_at.c_str(), 1);
    const auto store = Open(path);
    for (int i = 0; i < 10; ++i) (void)Append(*store, 1, 5000);
    (void)store->Checkpoint();
    _exit(0);
  }

  std::optional<TemporaryFolder> folder_;
  std::string path_;
};

TEST_F(SqliteCrashTest, BeforeTheFsync) {
  EXPECT_EXIT(RunUntil(path_, "server-after-accept-before-fsync:4"),
              testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(CountEvents(*Open(path_)), 3);
}

TEST_F(SqliteCrashTest, AfterTheFsync) {
  EXPECT_EXIT(RunUntil(path_, "server-after-fsync-before-answer:4"),
              testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(CountEvents(*Open(path_)), 4);
}

TEST_F(SqliteCrashTest, InTheMiddleOfACheckpoint) {
  EXPECT_EXIT(RunUntil(path_, "server-during-checkpoint:3"), testing::KilledBySignal(SIGKILL), "");
  const auto store = Open(path_);
  EXPECT_EQ(CountEvents(*store), 10);
  EXPECT_EQ(store->Checkpoint(), absl::OkStatus());
  EXPECT_EQ(CountEvents(*store), 10);
}

TEST_F(SqliteCrashTest, WithoutACrashPointNothingDies) {
  EXPECT_EXIT(RunUntil(path_, "no-such-point"), testing::ExitedWithCode(0), "");
  EXPECT_EQ(CountEvents(*Open(path_)), 10);
}

TEST(SqliteProcessesTest, TwoProcessesWriteOneFile) {
  const TemporaryFolder folder;
  const std::string path = folder.File("latchwire.db");
  const auto write = [&path] {
    SqliteOptions options;
    options.path = path;
    options.busy_timeout = absl::Seconds(30);
    auto store = OpenSqliteStore(options);
    if (!store.ok()) return false;
    for (int i = 0; i < 50; ++i) {
      if (!WriteOne(**store, Events(2)).ok()) return false;
    }
    return true;
  };
  // Both also race for creating it.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(write() ? 0 : 1);
  EXPECT_TRUE(write());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(CountEvents(*Open(path)), 200);
}

}  // namespace
}  // namespace latchwire
