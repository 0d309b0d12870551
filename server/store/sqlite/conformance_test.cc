#include "server/store/testing/conformance.h"

#include "core/base/testing/temporary_folder.h"
#include "gtest/gtest.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

class SqliteTestDatabase : public TestDatabase {
 public:
  std::unique_ptr<Store> Open() override {
    SqliteOptions options;
    options.path = folder_.File("latchwire.db");
    auto store = OpenSqliteStore(options);
    if (!store.ok()) ADD_FAILURE() << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

 private:
  const TemporaryFolder folder_;
};

std::unique_ptr<TestDatabase> MakeSqliteDatabase() {
  return std::make_unique<SqliteTestDatabase>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformanceTest, OnEveryHandle(&MakeSqliteDatabase));

}  // namespace
}  // namespace latchwire
