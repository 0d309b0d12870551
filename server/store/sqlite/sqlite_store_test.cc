// What is SQLite's own: the file, its schema, the plans of its queries, faults of single
// statements.
#include "server/store/sqlite/sqlite_store.h"

#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/testing/temporary_folder.h"
#include "gtest/gtest.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"
#include "server/store/sqlite/transaction.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using sqlite::Connection;
using testing::HasSubstr;
using testing::Not;

class SqliteStoreTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Store>> Open() {
    SqliteOptions options;
    options.path = path_;
    return OpenSqliteStore(options);
  }
  std::unique_ptr<Connection> Connect() {
    sqlite::ConnectionOptions options;
    options.path = path_;
    options.busy_timeout = absl::Seconds(1);
    auto connection = Connection::Open(options);
    EXPECT_EQ(connection.status(), absl::OkStatus());
    return *std::move(connection);
  }
  void WriteAll(Store& store, const std::vector<Mutation>& mutations) {
    for (const MutationResult& result : WriteTo(store, mutations)) {
      ASSERT_EQ(result.status(), absl::OkStatus());
    }
  }

  const TemporaryFolder folder_;
  std::string path_ = folder_.File("latchwire.db");
};

TEST_F(SqliteStoreTest, ADatabaseOfANewerSchemaIsRefused) {
  ASSERT_EQ(Open().status(), absl::OkStatus());
  const int newer = sqlite::LatestSchemaVersion() + 1;
  ASSERT_EQ(Connect()->Execute(absl::StrCat("PRAGMA user_version = ", newer)), absl::OkStatus());
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr(absl::StrCat("schema version ", newer)));
  EXPECT_THAT(status.message(),
              HasSubstr(absl::StrCat("versions up to ", sqlite::LatestSchemaVersion())));
  ASSERT_EQ(Connect()->Execute(absl::StrCat("PRAGMA user_version = ", newer - 1)),
            absl::OkStatus());
  EXPECT_EQ(Open().status(), absl::OkStatus());  // it was not touched
}

TEST_F(SqliteStoreTest, FilesOfOthersAreRefused) {
  std::ofstream(path_) << "no database at all, but a text that is longer than a header of SQLite's "
                          "files, which are a hundred bytes";
  EXPECT_THAT(Open().status(), HasReason("STORE_UNAVAILABLE"));
  std::ofstream(path_, std::ios::trunc).flush();
  ASSERT_EQ(Connect()->Execute("CREATE TABLE theirs(x)"), absl::OkStatus());
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("another program"));
  SqliteOptions options;
  options.path = folder_.File("no/such/folder/x.db");
  EXPECT_THAT(OpenSqliteStore(options).status(), HasReason("STORE_UNAVAILABLE"));
  EXPECT_THAT(OpenSqliteStore(options).status().message(), HasSubstr("no/such/folder"));
}

TEST_F(SqliteStoreTest, OnlyTheOwnerMayReadTheFiles) {
  const auto store = Open();
  ASSERT_EQ(store.status(), absl::OkStatus());
  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  WriteAll(**store, {create});
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info;
    ASSERT_EQ(stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600) << suffix;
  }
}

TEST_F(SqliteStoreTest, ManyOpenANewFileAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] { EXPECT_EQ(Open().status(), absl::OkStatus()); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SqliteStoreTest, EveryReadGoesByAnIndex) {
  const auto store = Open();
  ASSERT_EQ(store.status(), absl::OkStatus());
  AppendPublished append;  // so that there is a table of ids
  append.tenant = kDefaultTenant;
  append.now = absl::FromUnixSeconds(1'767'225'600);
  append.events.emplace_back().event = std::make_shared<Event>();
  WriteAll(**store, {append});

  const auto connection = Connect();
  // Whole tables are only read where they are small and all of it is wanted.
  const std::vector<std::string> whole = {sqlite::kLoadTenants, sqlite::kLoadApiKeys,
                                          sqlite::kIdDaysSql};
  std::vector<std::string> queries = {
      sqlite::kLoadWebhooks,     sqlite::kHasWebhook,    sqlite::kListEvents,
      sqlite::kListEventTargets, sqlite::kEventHead,     sqlite::kListWebhookDeliveries,
      sqlite::kDeliveryState,    sqlite::kListAttempts,  sqlite::kLoadWork,
      sqlite::kDueNumbers,       sqlite::kNextHead,      sqlite::FindIdSql(20454),
      sqlite::kNextPriority,     sqlite::kLoadStats,     sqlite::kSelectStats,
      sqlite::kStatesFrom,       sqlite::kOldestPending, sqlite::kExpired,
      sqlite::kCountWebhooks};
  for (const std::string& sql : whole) queries.push_back(sql);
  for (const std::string& sql : queries) {
    std::string plan;
    sqlite::Query query = connection->UseText("EXPLAIN QUERY PLAN " + sql);
    while (query.Next()) absl::StrAppend(&plan, query.StringAt(3), "\n");
    ASSERT_EQ(query.status(), absl::OkStatus()) << sql;
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << sql;
    if (std::find(whole.begin(), whole.end(), sql) == whole.end()) {
      EXPECT_THAT(plan, Not(HasSubstr("SCAN delivery"))) << sql;
      EXPECT_THAT(plan, Not(HasSubstr("SCAN event"))) << sql;
      EXPECT_THAT(plan, HasSubstr("SEARCH")) << sql;
    }
  }
}

class SqliteCostTest : public SqliteStoreTest {
 protected:
  // A webhook without and one with order, and this many pending deliveries of each, in 2 lanes.
  void Fill(int deliveries) {
    path_ = folder_.File(absl::StrCat(deliveries, ".db"));
    auto store = Open();
    ASSERT_EQ(store.status(), absl::OkStatus());
    CreateWebhook plain;
    plain.webhook.key.tenant = kDefaultTenant;
    plain.webhook.id = "plain";
    CreateWebhook ordered = plain;
    ordered.webhook.id = "ordered";
    WriteAll(**store, {plain, ordered});
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.generation = 2;
    append.now = absl::UnixEpoch();
    for (int i = 0; i < deliveries; ++i) {
      NewEvent& event = append.events.emplace_back();
      event.event = std::make_shared<Event>();
      event.event->id = absl::StrCat(i);
      event.event->priority = i % 4;
      event.targets = {{1, ""}, {2, absl::StrCat("lane-", i % 2)}};
    }
    WriteAll(**store, {append});
  }
  // Steps of SQLite's virtual machine in all statements of the connection.
  static int64_t StepsOf(const Connection& connection) {
    int64_t steps = 0;
    sqlite3_stmt* statement = nullptr;
    while ((statement = sqlite3_next_stmt(connection.db(), statement)) != nullptr) {
      steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    }
    return steps;
  }
  struct Costs {
    int64_t work, due, heads;
  };
  Costs Measure() {
    const auto connection = Connect();
    const absl::Time now = absl::UnixEpoch();
    Costs costs;
    EXPECT_EQ(sqlite::LoadWork(connection.get(), {}, 10)->size(), 2);
    costs.work = StepsOf(*connection);
    EXPECT_EQ(sqlite::LoadDue(connection.get(), {1, 1}, now, 5, {})->deliveries.size(), 5);
    costs.due = StepsOf(*connection);
    std::string resume;
    EXPECT_EQ(sqlite::LoadHeads(connection.get(), {1, 2}, now, 5, {}, &resume)->deliveries.size(),
              2);
    costs.heads = StepsOf(*connection);
    return costs;
  }
};

TEST_F(SqliteCostTest, LoadsCostTheSameHoweverMuchIsPending) {
  Fill(80);
  const Costs few = Measure();
  Fill(5000);
  const Costs many = Measure();
  EXPECT_EQ(few.work, many.work);
  EXPECT_EQ(few.due, many.due);
  EXPECT_EQ(few.heads, many.heads);
  EXPECT_GT(few.heads, 0);
}

TEST_F(SqliteStoreTest, AStatementThatFailsTakesOnlyItsMutationWithIt) {
  const auto store = Open();
  ASSERT_EQ(store.status(), absl::OkStatus());
  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  create.webhook.id = "a";
  WriteAll(**store, {create});
  // A fault that no check of ours foresees.
  ASSERT_EQ(Connect()->Execute("CREATE TRIGGER fault BEFORE INSERT ON event WHEN NEW.type = 'bad'"
                               " BEGIN SELECT RAISE(ABORT, 'no such luck'); END"),
            absl::OkStatus());
  const auto append = [](int64_t generation, const std::string& type) {
    AppendPublished mutation;
    mutation.tenant = kDefaultTenant;
    mutation.generation = generation;
    for (const std::string& each : {std::string("good"), type}) {
      NewEvent& event = mutation.events.emplace_back();
      event.event = std::make_shared<Event>();
      event.event->type = each;
      event.event->id = absl::StrCat("id-", generation, each);
    }
    return mutation;
  };
  UpdateWebhook update;
  update.webhook = (*store)->LoadWebhooks({}, 1)->at(0);
  update.webhook.url = "changed";
  CreateWebhook another = create;
  another.webhook.id = "b";
  const auto results = WriteTo(**store, {append(1, "good"), update, another, append(3, "good"),
                                         append(3, "bad"), append(3, "good")});
  for (const int i : {0, 1, 2, 3, 5}) EXPECT_EQ(results[i].status(), absl::OkStatus()) << i;
  EXPECT_THAT(results[4].status(), HasReason("INTERNAL"));
  EXPECT_THAT(results[4].status().message(), HasSubstr("no such luck"));
  EXPECT_EQ(ResultOf<UpdateWebhook>(results[1]).webhook->revision, 2);
  EXPECT_EQ(ResultOf<CreateWebhook>(results[2]).webhook->key.uid, 2);
  EXPECT_EQ(ResultOf<AppendPublished>(results[5]).events[1].number, 6);
  EXPECT_EQ((*store)->ListEvents(kDefaultTenant, {}, 0, 100)->events.size(), 6);
}

TEST_F(SqliteStoreTest, WhereTheOldestWaitsIsKnownBeforeItMustGo) {
  const auto store = Open();
  ASSERT_EQ(store.status(), absl::OkStatus());
  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  AcquireLeases acquire;
  acquire.owner = "test";
  acquire.duration = absl::Hours(1);
  WriteAll(**store, {create, acquire});
  constexpr int64_t kEvents = 300;
  // Always one that waits, never a full queue.
  for (int64_t number = 1; number <= kEvents; ++number) {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.generation = 1;
    append.now = absl::UnixEpoch();
    NewEvent& event = append.events.emplace_back();
    event.event = std::make_shared<Event>();
    event.event->id = absl::StrCat(number);
    DeliveryTarget& target = event.targets.emplace_back();
    target.webhook_uid = 1;
    target.max_pending = 10;
    target.overflow = OverflowPolicy::kDropOldest;
    RecordOutcomes record;
    DeliveryOutcome& outcome = record.outcomes.emplace_back();
    outcome.key = {{kDefaultTenant, 1}, std::max<int64_t>(number - 1, 1)};
    outcome.state = number == 1 ? DeliveryState::kPending : DeliveryState::kSucceeded;
    outcome.attempt.number = 1;
    outcome.fence = 1;
    WriteAll(**store, {append, record});
  }
  const auto connection = Connect();
  sqlite::Query query = connection->Use("SELECT oldest_pending, pending FROM webhook_stats");
  ASSERT_TRUE(query.Next());
  EXPECT_GE(query.IntAt(0), kEvents - 1);
  EXPECT_LE(query.IntAt(0), kEvents);
  EXPECT_EQ(query.IntAt(1), 1);
}

TEST_F(SqliteStoreTest, APurgeLeavesNoRowBehind) {
  const auto store = Open();
  ASSERT_EQ(store.status(), absl::OkStatus());
  CreateWebhook create;
  create.webhook.key.tenant = kDefaultTenant;
  create.webhook.id = "gone";
  CreateWebhook stays = create;
  stays.webhook.id = "stays";
  AppendPublished append;
  append.tenant = kDefaultTenant;
  append.generation = 2;
  AcquireLeases acquire;
  acquire.owner = "test";
  acquire.duration = absl::Hours(1);
  RecordOutcomes record;
  for (int64_t number = 1; number <= 20; ++number) {
    NewEvent& event = append.events.emplace_back();
    event.event = std::make_shared<Event>();
    event.event->id = absl::StrCat(number);
    event.targets = {{1, ""}, {2, ""}};
    for (const int64_t uid : {1, 2}) {
      for (int attempt = 1; attempt <= 3; ++attempt) {
        DeliveryOutcome& outcome = record.outcomes.emplace_back();
        outcome.key = {{kDefaultTenant, uid}, number};
        outcome.attempt.number = attempt;
        outcome.fence = 1;
      }
    }
  }
  WriteAll(**store, {create, stays, append, acquire, record, DeleteWebhook{{kDefaultTenant, 1}}});
  int steps = 0;
  bool more = true;
  for (; more; ++steps) more = ApplyTo(**store, PurgeDeleted{7}).more;
  EXPECT_EQ(steps, 9);  // 40 attempts and 20 deliveries, at most 7 rows at a time

  const auto connection = Connect();
  for (const auto& [table, rows] : {std::pair("delivery", 20), std::pair("attempt", 40),
                                    std::pair("deleted_webhook", 0), std::pair("event", 20)}) {
    sqlite::Query query = connection->UseText(absl::StrCat("SELECT count(*) FROM ", table));
    ASSERT_TRUE(query.Next());
    EXPECT_EQ(query.IntAt(0), rows) << table;
  }
}

TEST_F(SqliteStoreTest, OldIdTablesAreDropped) {
  const auto store = Open();
  ASSERT_EQ(store.status(), absl::OkStatus());
  for (int day = 0; day < 40; ++day) {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.now = absl::UnixEpoch() + absl::Hours(24 * day);
    NewEvent& event = append.events.emplace_back();
    event.event = std::make_shared<Event>();
    event.event->id = absl::StrCat("id-", day);
    event.deduplicate = true;
    WriteAll(**store, {append});
    EXPECT_EQ((*store)->FindEvent(kDefaultTenant, event.event->id).value_or(0), day + 1);
  }
  const auto connection = Connect();
  sqlite::Query query = connection->UseText(
      "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema"
      " WHERE name LIKE 'event_id_1%' ORDER BY name)");
  ASSERT_TRUE(query.Next());
  EXPECT_EQ(query.StringAt(0),
            "event_id_19700201 event_id_19700202 event_id_19700203 event_id_19700204"
            " event_id_19700205 event_id_19700206 event_id_19700207 event_id_19700208"
            " event_id_19700209");
}

TEST(CodecTest, DamagedRecordsAreErrors) {
  Webhook webhook;
  webhook.any_of = {{"a", "b", "c"}};
  webhook.headers = {{"x", "y"}};
  const std::string packed = sqlite::PackWebhook(webhook);
  Webhook unpacked;
  EXPECT_EQ(sqlite::UnpackWebhook(packed, &unpacked), absl::OkStatus());
  for (size_t size = 0; size < packed.size(); ++size) {
    Webhook ignored;
    EXPECT_FALSE(sqlite::UnpackWebhook(packed.substr(0, size), &ignored).ok()) << size;
  }
  EXPECT_FALSE(sqlite::UnpackWebhook(packed + "x", &unpacked).ok());
  std::string huge("\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11);
  EXPECT_FALSE(sqlite::UnpackWebhook(huge, &unpacked).ok());
}

TEST(CodecTest, IdsKeepApart) {
  const std::string uuid = "0190a000-0000-7000-8000-00000000abcd";
  EXPECT_EQ(sqlite::EventIdKey(uuid).size(), 16);
  EXPECT_EQ(sqlite::UuidText(sqlite::EventIdKey(uuid)), uuid);
  for (const char* other :
       {"0190A000-0000-7000-8000-00000000ABCD", "", "x", "0190a000-0000-7000-8000-00000000abc",
        "0190a00000007000800000000000abcd"}) {
    EXPECT_EQ(sqlite::EventIdKey(other).size(), 17) << other;
  }
}

}  // namespace
}  // namespace latchwire
