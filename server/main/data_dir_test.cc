#include "server/main/data_dir.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/domain/api_key.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {
namespace {

using ::testing::HasSubstr;

class DataDirTest : public ::testing::Test {
 protected:
  DataDirTest() {
    std::string pattern = ::testing::TempDir() + "/latchwire-XXXXXX";
    root_ = mkdtemp(pattern.data());
    dir_ = root_ + "/deep/data";
  }
  ~DataDirTest() override { std::filesystem::remove_all(root_); }

  static mode_t ModeOf(const std::string& path) {
    struct stat info;
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }
  static std::string Read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  std::string root_;
  std::string dir_;
};

TEST_F(DataDirTest, OneServerAtATime) {
  {
    const auto first = DataDirLock::Take(dir_);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(ModeOf(dir_), 0700u);
    const auto second = DataDirLock::Take(dir_);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr(dir_));
    EXPECT_THAT(std::string(second.status().message()), HasSubstr(absl::StrCat(getpid())));
  }
  EXPECT_TRUE(DataDirLock::Take(dir_).ok());
}

TEST_F(DataDirTest, AFolderThatCannotBeIsNamed) {
  std::ofstream(root_ + "/file") << "x";
  const auto lock = DataDirLock::Take(root_ + "/file/data");
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr(root_ + "/file/data"));
}

TEST_F(DataDirTest, TheFirstAdminKeyIsForItsOwnerAndWorks) {
  const auto lock = DataDirLock::Take(dir_);
  const auto store = NewMemoryStore();
  const auto path = EnsureKey(store.get(), dir_, kFirstKeys[0], SystemClock(), SystemRandom());
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(*path, dir_ + "/admin.key");
  EXPECT_EQ(ModeOf(*path), 0600u);
  const std::string content = Read(*path);
  const auto token = ParseToken(absl::StripSuffix(content, "\n"));
  ASSERT_TRUE(token.has_value()) << content;
  const auto keys = store->LoadApiKeys();
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_EQ(keys->front().id, token->first);
  EXPECT_EQ(keys->front().role, Role::kAdmin);
  EXPECT_TRUE(SecretFits(keys->front(), token->second));

  EXPECT_EQ(*EnsureKey(store.get(), dir_, kFirstKeys[0], SystemClock(), SystemRandom()), "");
  EXPECT_EQ(Read(*path), content);
}

TEST_F(DataDirTest, AFolderWithoutAnOperatorGetsOne) {
  const auto lock = DataDirLock::Take(dir_);
  const auto store = NewMemoryStore();
  ASSERT_TRUE(EnsureKey(store.get(), dir_, kFirstKeys[0], SystemClock(), SystemRandom()).ok());
  const auto path = EnsureKey(store.get(), dir_, kFirstKeys[1], SystemClock(), SystemRandom());
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(*path, dir_ + "/operator.key");
  EXPECT_EQ(ModeOf(*path), 0600u);
  const auto token = ParseToken(absl::StripSuffix(Read(*path), "\n"));
  ASSERT_TRUE(token.has_value());
  const auto keys = store->LoadApiKeys();
  ASSERT_EQ(keys->size(), 2u);
  const ApiKey& made = keys->front().id == token->first ? keys->front() : keys->back();
  EXPECT_EQ(made.id, token->first);
  EXPECT_EQ(made.role, Role::kOperator);
  EXPECT_EQ(made.tenant, kNoTenant);
  EXPECT_EQ(*EnsureKey(store.get(), dir_, kFirstKeys[1], SystemClock(), SystemRandom()), "");
}

TEST_F(DataDirTest, ANewKeyWhenTheStoreLostItsOwn) {
  const auto lock = DataDirLock::Take(dir_);
  const auto database = MemoryDatabase::Make();
  const auto store = NewMemoryStore(database);
  database->FailWrites(1, "disk full");
  EXPECT_FALSE(EnsureKey(store.get(), dir_, kFirstKeys[0], SystemClock(), SystemRandom()).ok());
  const std::string unused = Read(dir_ + "/admin.key");
  ASSERT_TRUE(EnsureKey(store.get(), dir_, kFirstKeys[0], SystemClock(), SystemRandom()).ok());
  EXPECT_NE(Read(dir_ + "/admin.key"), unused);
}

TEST_F(DataDirTest, APrivateFileIsReplacedAsAWhole) {
  const auto lock = DataDirLock::Take(dir_);
  const std::string path = dir_ + "/secret";
  std::ofstream(path) << "a longer text than the new one";
  chmod(path.c_str(), 0644);
  ASSERT_TRUE(WritePrivateFile(path, "new").ok());
  EXPECT_EQ(Read(path), "new");
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

}  // namespace
}  // namespace latchwire
