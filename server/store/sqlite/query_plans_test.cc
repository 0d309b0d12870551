// The janitor and recovery jobs look only at what they take: by index, and without sorting.
#include "absl/strings/str_cat.h"
#include "core/base/testing/temporary_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/recovery_jobs.h"
#include "server/store/sqlite/retention_queries.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(QueryPlansTest, StepsSearchByIndex) {
  const TemporaryFolder folder;
  SqliteOptions options;
  options.path = folder.File("latchwire.db");
  ASSERT_EQ(OpenSqliteStore(options).status(), absl::OkStatus());
  sqlite::ConnectionOptions settings;
  settings.path = options.path;
  const auto connection = sqlite::Connection::Open(settings);
  ASSERT_EQ(connection.status(), absl::OkStatus());
  for (const char* sql :
       {sqlite::kFirstNumberAt, sqlite::kOldestMinutes, sqlite::kOldEvents, sqlite::kHeldEvents,
        sqlite::kFindRecoveryJob, sqlite::kListRecoveryJobs, sqlite::kRunningRecoveryJobs,
        sqlite::kCountRunningRecoveryJobs, sqlite::kNextWebhook, sqlite::kDeliveriesFrom}) {
    std::string plan;
    sqlite::Query query = (*connection)->UseText(absl::StrCat("EXPLAIN QUERY PLAN ", sql));
    while (query.Next()) absl::StrAppend(&plan, query.StringAt(3), "\n");
    ASSERT_EQ(query.status(), absl::OkStatus()) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << sql;
    // The index of running jobs holds nothing else.
    if (sql == sqlite::kRunningRecoveryJobs) continue;
    EXPECT_THAT(plan, HasSubstr("SEARCH")) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN"))) << sql;
  }
}

}  // namespace
}  // namespace latchwire
