// Databases of older versions are brought up to date with all that is in them.
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/testing/temporary_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/sqlite_store.h"
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;

// As version 1 had it. Never change it.
constexpr char kVersion1[] = R"sql(
CREATE TABLE tenant(
  id INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL,
  next_number INTEGER NOT NULL,
  next_uid INTEGER NOT NULL
);
INSERT INTO tenant VALUES(1, 0, 1, 1);
CREATE TABLE webhook(
  key INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  url TEXT NOT NULL,
  config BLOB NOT NULL
);
CREATE UNIQUE INDEX webhook_id ON webhook(tenant, id);
CREATE TABLE deleted_webhook(key INTEGER PRIMARY KEY);
CREATE TABLE event(
  key INTEGER PRIMARY KEY,
  id NOT NULL,
  type TEXT NOT NULL,
  canonical_type TEXT NOT NULL,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  receive_time INTEGER NOT NULL,
  rest BLOB NOT NULL,
  data NOT NULL
);
CREATE TABLE event_id_day(day INTEGER PRIMARY KEY);
CREATE TABLE delivery(
  webhook INTEGER NOT NULL,
  number INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER,
  lane TEXT,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  last_attempt BLOB,
  PRIMARY KEY(webhook, number)
) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery(webhook, due, number)
  WHERE state = 0 AND lane IS NULL;
CREATE INDEX delivery_lane ON delivery(webhook, lane, number, due)
  WHERE state = 0 AND lane IS NOT NULL;
CREATE TABLE attempt(
  webhook INTEGER NOT NULL,
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY(webhook, number, attempt)
) WITHOUT ROWID;
CREATE TABLE agent(
  tenant INTEGER NOT NULL,
  name TEXT NOT NULL,
  fence INTEGER NOT NULL,
  PRIMARY KEY(tenant, name)
) WITHOUT ROWID;
CREATE TABLE agent_cursor(
  tenant INTEGER NOT NULL,
  agent TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  through INTEGER NOT NULL,
  checksum INTEGER,
  PRIMARY KEY(tenant, agent, epoch, lane)
) WITHOUT ROWID;
CREATE TABLE agent_dropped(
  id INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  agent TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL
);
CREATE TABLE api_key(
  id TEXT PRIMARY KEY,
  tenant INTEGER NOT NULL,
  secret_hash BLOB NOT NULL,
  role INTEGER NOT NULL,
  agent TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE lease(
  partition INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  fence INTEGER NOT NULL,
  expires INTEGER NOT NULL
);
PRAGMA application_id = 1280797042;
PRAGMA user_version = 1;
)sql";

class MigrationTest : public testing::Test {
 protected:
  void Run(const std::string& sql) {
    sqlite::ConnectionOptions options;
    options.path = path_;
    std::ofstream(path_).flush();
    const auto connection = sqlite::Connection::Open(options);
    ASSERT_EQ(connection.status(), absl::OkStatus());
    ASSERT_EQ((*connection)->Execute(sql), absl::OkStatus()) << sql;
  }
  absl::StatusOr<std::unique_ptr<Store>> Open() {
    SqliteOptions options;
    options.path = path_;
    return OpenSqliteStore(options);
  }
  static std::string Hex(absl::string_view bytes) {
    std::string text = "x'";
    for (const char byte : bytes) {
      absl::StrAppend(&text, absl::Hex(static_cast<uint8_t>(byte), absl::kZeroPad2));
    }
    return text + "'";
  }
  static void InsertWebhook(const Webhook& webhook, std::string* sql) {
    absl::StrAppend(sql, "INSERT INTO webhook VALUES(", sqlite::PackedKey(webhook.key), ", ",
                    webhook.key.tenant, ", '", webhook.id, "', 1, 1, '', 'https://example.com', ",
                    Hex(sqlite::PackWebhook(webhook)), ");\n");
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.File("latchwire.db");
};

TEST_F(MigrationTest, Version1ComesWithAllItHolds) {
  constexpr int64_t kMicros = 1'767'225'600'000'000;
  std::string sql = kVersion1;
  Webhook plain;
  plain.key = {1, 1};
  plain.id = "plain";
  Webhook ordered = plain;
  ordered.key.uid = 2;
  ordered.id = "ordered";
  ordered.ordering = WebhookOrdering::kBySubject;
  InsertWebhook(plain, &sql);
  InsertWebhook(ordered, &sql);
  absl::StrAppend(&sql, "INSERT INTO deleted_webhook VALUES(", sqlite::PackedKey({1, 3}), ");\n",
                  "UPDATE tenant SET generation = 4, next_number = 6, next_uid = 4;\n",
                  "INSERT INTO tenant VALUES(2, 0, 1, 1);\n");
  int64_t stored_bytes = 0;
  for (int64_t number = 1; number <= 5; ++number) {
    Event event;
    event.id =
        number == 1 ? "0190a000-0000-7000-8000-00000000abcd" : absl::StrCat("id \u20ac", number);
    event.type = "type";
    event.source = "panel";
    event.data = "[1]";
    std::string rest;
    sqlite::PackEvent(event, {1, 2, 3}, &rest);
    std::string uuid;
    const bool is_uuid = sqlite::IsCanonicalUuid(event.id, &uuid);
    absl::StrAppend(&sql, "INSERT INTO event VALUES(", sqlite::EventKey(1, number), ", ",
                    is_uuid ? Hex(uuid) : absl::StrCat("'", event.id, "'"),
                    ", 'type', '', 'panel', '', ", kMicros, ", ", Hex(rest), ", '[1]');\n");
    stored_bytes += StoredBytes(event.id.size() + 4 + 5, 3, 3);
    for (const int64_t uid : {1, 2, 3}) {
      const int64_t state = number <= 3 ? number : 0;  // succeeded, dead, expired, pending
      absl::StrAppend(&sql, "INSERT INTO delivery VALUES(", sqlite::PackedKey({1, uid}), ", ",
                      number, ", ", state, ", ", state == 0 ? absl::StrCat(kMicros) : "NULL", ", ",
                      uid == 2 ? "'lane'" : "NULL", ", 0, 0, ", kMicros, ", ",
                      number == 5 ? absl::StrCat(kMicros + 10) : "NULL", ", NULL);\n");
    }
  }
  Run(sql);

  const auto opened = Open();
  ASSERT_EQ(opened.status(), absl::OkStatus());
  Store& store = **opened;
  const absl::Time now = absl::FromUnixMicros(kMicros);
  const auto stats = store.LoadStats({}, 10);
  ASSERT_EQ(stats.status(), absl::OkStatus());
  ASSERT_EQ(stats->size(), 2);
  for (const WebhookStats& each : *stats) {
    WebhookStats expected;
    expected.key = each.key;
    expected.pending = 2;
    expected.succeeded = expected.dead = expected.expired = 1;
    EXPECT_EQ(each, expected);
  }
  const auto tenants = store.LoadTenants();
  ASSERT_EQ(tenants->size(), 2);
  EXPECT_EQ(tenants->at(0).stored_bytes, stored_bytes);
  EXPECT_EQ(tenants->at(0).stored_events, 5);
  EXPECT_EQ(tenants->at(0).generation, 4);
  EXPECT_EQ(tenants->at(0).revision, 1);
  EXPECT_EQ(tenants->at(1).stored_events, 0);

  const auto due = store.LoadDue(plain.key, now, 10, {});
  ASSERT_EQ(due->deliveries.size(), 2);
  EXPECT_EQ(due->deliveries[0].event->data, "[1]");
  EXPECT_EQ(due->deliveries[0].delivery.priority, 4);
  EXPECT_EQ(store.LoadHeads(ordered.key, now, 10, {})->deliveries.size(), 1);
  EXPECT_EQ(store.LoadWork({}, 10)->size(), 2);

  // All goes on from there: one more event drops the oldest that waits, and the other expires.
  AppendPublished append;
  append.tenant = 1;
  append.generation = 4;
  append.now = now;
  append.events.emplace_back().event = std::make_shared<Event>();
  DeliveryTarget& target = append.events[0].targets.emplace_back();
  target.webhook_uid = 1;
  target.max_pending = 2;
  target.overflow = OverflowPolicy::kDropOldest;
  ExpireDeliveries expire;
  expire.now = now + absl::Seconds(1);
  const auto results = WriteTo(store, {append, expire});
  ASSERT_EQ(results[0].status(), absl::OkStatus());
  const auto& appended = ResultOf<AppendPublished>(results[0]);
  EXPECT_EQ(appended.events[0].number, 6);
  EXPECT_THAT(appended.dropped_old, ElementsAre(DeliveryKey{plain.key, 4}));
  EXPECT_EQ(appended.stored_events, 6);
  EXPECT_EQ(ResultOf<ExpireDeliveries>(results[1]).expired_deliveries, 2);
  EXPECT_EQ(store.LoadStats({}, 1)->at(0).pending, 1);
}

// A record as version 1 wrote it, with the secret `old`, created one microsecond after 1970.
constexpr char kWebhookWithOneSecret[] =
    "0102010766726f6e742e2a00000101780131036f6c648087a70e0280ade204808c8d9e0204"
    "06feffffffffffffffff010000020202";

TEST_F(MigrationTest, TheOneSecretOfAnOlderWebhookStaysItsOnlyOne) {
  Run(absl::StrCat(kVersion1, "INSERT INTO webhook VALUES(", sqlite::PackedKey({1, 1}),
                   ", 1, 'w', 1, 1, '', 'https://example.com', x'", kWebhookWithOneSecret,
                   "');\nUPDATE tenant SET next_uid = 2;\n"));
  auto opened = Open();
  ASSERT_EQ(opened.status(), absl::OkStatus());
  auto webhooks = (*opened)->LoadWebhooks({}, 10);
  ASSERT_EQ(webhooks.status(), absl::OkStatus());
  ASSERT_EQ(webhooks->size(), 1u);
  const absl::Time created = absl::FromUnixMicros(1);
  EXPECT_THAT(webhooks->at(0).secrets,
              ElementsAre(WebhookSecret{"old", created, absl::InfiniteFuture()}));

  // A change writes the record anew.
  UpdateWebhook update;
  update.webhook = webhooks->at(0);
  update.webhook.secrets = {{"new", created + absl::Seconds(2)},
                            {"old", created, created + absl::Seconds(3)}};
  const std::vector<WebhookSecret> expected = update.webhook.secrets;
  ASSERT_EQ(WriteOne(**opened, update).status(), absl::OkStatus());
  opened->reset();
  opened = Open();
  ASSERT_EQ(opened.status(), absl::OkStatus());
  webhooks = (*opened)->LoadWebhooks({}, 10);
  ASSERT_EQ(webhooks.status(), absl::OkStatus());
  EXPECT_EQ(webhooks->at(0).secrets, expected);
}

}  // namespace
}  // namespace latchwire
