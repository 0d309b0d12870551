#include "server/store/sqlite/migrations.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/domain/error.h"

namespace latchwire::sqlite {
namespace {

// "LWir", so that `file` and a second look tell whose database it is.
constexpr int64_t kApplicationId = 0x4c576972;

// Step i brings version i to i + 1. A step that was ever released is never changed.
//
// Integer keys: event = tenant << 40 | number; webhook = tenant << 32 | uid. Times are microseconds
// since 1970. `rest`, `config`, `record` and `last_attempt`: codec.h.
constexpr const char* kSteps[] = {
    R"sql(
CREATE TABLE tenant(
  id INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL,   -- of its webhooks
  next_number INTEGER NOT NULL,  -- of events
  next_uid INTEGER NOT NULL      -- of webhooks
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
-- Webhooks that are gone but for their deliveries.
CREATE TABLE deleted_webhook(key INTEGER PRIMARY KEY);

-- data is TEXT if it is JSON, else BLOB, and last: it may fill pages of its own, which are then only
-- read when it is asked for.
CREATE TABLE event(
  key INTEGER PRIMARY KEY,
  id NOT NULL,                   -- BLOB(16) if a UUID, else TEXT
  type TEXT NOT NULL,
  canonical_type TEXT NOT NULL,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  receive_time INTEGER NOT NULL,
  rest BLOB NOT NULL,
  data NOT NULL
);
-- The tables event_id_<yyyymmdd> that exist, by days since 1970.
CREATE TABLE event_id_day(day INTEGER PRIMARY KEY);

CREATE TABLE delivery(
  webhook INTEGER NOT NULL,
  number INTEGER NOT NULL,       -- of the event
  state INTEGER NOT NULL,
  due INTEGER,                   -- only while pending
  lane TEXT,                     -- only of ordered webhooks
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,               -- NULL: never
  last_attempt BLOB,             -- number `attempts`; the ones before are in `attempt`
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
  checksum INTEGER,              -- of the event at `through`, if there was one
  PRIMARY KEY(tenant, agent, epoch, lane)
) WITHOUT ROWID;
-- Ranges that agents had to drop; the newest are kept.
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
  owner TEXT NOT NULL,           -- empty: given up
  fence INTEGER NOT NULL,
  expires INTEGER NOT NULL
);
)sql",
};

absl::StatusOr<int64_t> ReadNumber(Connection* connection, const std::string& sql) {
  Query query = connection->UseText(sql);
  const int64_t value = query.Next() ? query.IntAt(0) : 0;
  if (!query.status().ok()) return query.status();
  return value;
}

absl::Status CheckOurs(Connection* connection, absl::string_view path, int64_t version) {
  if (version > LatestSchemaVersion()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "INTERNAL",
                     absl::StrCat(path, " has schema version ", version,
                                  ", but this program knows versions up to ", LatestSchemaVersion(),
                                  ": run the newer program that wrote it"));
  }
  const auto application = ReadNumber(connection, "PRAGMA application_id");
  if (!application.ok()) return application.status();
  const auto tables = ReadNumber(connection, "SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  if (*tables > 0 && *application != kApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "INTERNAL",
                     absl::StrCat(path, " is an SQLite database of another program"));
  }
  return absl::OkStatus();
}

absl::Status RunSteps(Connection* connection, absl::string_view path) {
  // Inside the write lock: another process may just have done it.
  const auto version = ReadNumber(connection, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (absl::Status status = CheckOurs(connection, path, *version); !status.ok()) return status;
  for (int64_t step = *version; step < LatestSchemaVersion(); ++step) {
    if (absl::Status status = connection->Execute(kSteps[step]); !status.ok()) return status;
  }
  return connection->Execute(absl::StrCat("PRAGMA application_id = ", kApplicationId,
                                          "; PRAGMA user_version = ", LatestSchemaVersion(), ";"));
}

}  // namespace

int LatestSchemaVersion() { return std::size(kSteps); }

absl::Status Migrate(Connection* connection, absl::string_view path) {
  // An up-to-date database needs no lock, which another process might hold. Anything else is judged
  // under the lock: another process may be migrating just now.
  const auto version = ReadNumber(connection, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  const auto application = ReadNumber(connection, "PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*version == LatestSchemaVersion() && *application == kApplicationId) return absl::OkStatus();
  if (absl::Status status = connection->Execute("BEGIN IMMEDIATE"); !status.ok()) return status;
  absl::Status status = RunSteps(connection, path);
  if (status.ok()) status = connection->Execute("COMMIT");
  connection->Rollback();
  return status;
}

}  // namespace latchwire::sqlite
