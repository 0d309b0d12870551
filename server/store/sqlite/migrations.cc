#include "server/store/sqlite/migrations.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire::sqlite {
namespace {

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
    // Version 2: counters, priorities, expiry, tenants' settings, retention, recovery jobs.
    R"sql(
ALTER TABLE tenant ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;      -- of the settings
ALTER TABLE tenant ADD COLUMN settings BLOB;                            -- NULL: the defaults
-- The smallest integer: not known.
ALTER TABLE tenant ADD COLUMN created INTEGER NOT NULL DEFAULT -9223372036854775808;
ALTER TABLE tenant ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN stored_events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN last_minute INTEGER NOT NULL DEFAULT 0;   -- the newest of event_minute
ALTER TABLE tenant ADD COLUMN clean_number INTEGER NOT NULL DEFAULT 1;  -- older events are gone or held
ALTER TABLE tenant ADD COLUMN next_job INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenant ADD COLUMN held_number INTEGER NOT NULL DEFAULT 1;   -- the cleaner looks on there
ALTER TABLE tenant ADD COLUMN held_events INTEGER NOT NULL DEFAULT 0;

-- The first event that was stored in each minute since 1970 in which there was one: how old an event
-- is, without a time in every row.
CREATE TABLE event_minute(
  tenant INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  first_number INTEGER NOT NULL,
  PRIMARY KEY(tenant, minute)
) WITHOUT ROWID;
-- Events that the cleaner has passed over, because a delivery of theirs was pending.
CREATE TABLE held_event(key INTEGER PRIMARY KEY);

ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 4;
ALTER TABLE delivery ADD COLUMN retried INTEGER;  -- when by hand or by a recovery job; else NULL
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery(webhook, priority, due, number)
  WHERE state = 0 AND lane IS NULL;
CREATE INDEX delivery_expires ON delivery(expires)
  WHERE state = 0 AND expires IS NOT NULL;

CREATE TABLE webhook_stats(
  webhook INTEGER PRIMARY KEY,
  pending INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  dropped INTEGER NOT NULL,
  failures INTEGER NOT NULL,        -- consecutive
  failing_since INTEGER NOT NULL,
  last_failure_time INTEGER NOT NULL,
  last_failure TEXT NOT NULL,
  last_success_time INTEGER NOT NULL,
  oldest_pending INTEGER NOT NULL   -- no pending delivery has a lower number
);

CREATE TABLE recovery_job(
  tenant INTEGER NOT NULL,
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  state INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY(tenant, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX recovery_job_id ON recovery_job(tenant, id);
CREATE INDEX recovery_job_running ON recovery_job(tenant, number) WHERE state = 1;

-- What version 1 did not count. Times that it did not keep are the smallest integer, InfinitePast.
INSERT INTO webhook_stats
  SELECT webhook, sum(state = 0), sum(state = 1), sum(state = 2), sum(state = 3), 0, 0,
         -9223372036854775808, -9223372036854775808, '', -9223372036854775808, 0
  FROM delivery WHERE webhook IN (SELECT key FROM webhook) GROUP BY webhook;
UPDATE tenant SET
  stored_events = (SELECT count(*) FROM event WHERE key >> 40 = tenant.id),
  stored_bytes = (SELECT coalesce(sum(256
      + CASE typeof(id) WHEN 'blob' THEN 36 ELSE length(CAST(id AS BLOB)) END
      + length(CAST(type AS BLOB)) + length(CAST(source AS BLOB)) + length(CAST(subject AS BLOB))
      + length(CAST(data AS BLOB))), 0) FROM event WHERE key >> 40 = tenant.id)
    + 128 * (SELECT count(*) FROM delivery WHERE webhook >> 32 = tenant.id);
INSERT INTO event_minute
  SELECT key >> 40, max(receive_time) / 60000000, 1 FROM event GROUP BY key >> 40;
UPDATE tenant SET last_minute =
  coalesce((SELECT max(minute) FROM event_minute WHERE tenant = tenant.id), 0);
)sql",
    // Version 3: webhook.config may be a record of format 3, which programs before this version
    // cannot read. Records of older formats stay until their webhook is changed.
    "",
    // Version 4: what the handles on one database tell each other.
    R"sql(
-- A tenant or a webhook that changes again gets a new row with a higher id in place of its old one,
-- so that a reader misses none and the table does not grow. No id is given twice, also not when the
-- row with the highest is deleted.
CREATE TABLE change(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,         -- ChangeKind: 1 tenant, 2 webhook with work
  key INTEGER NOT NULL
);
CREATE UNIQUE INDEX change_of ON change(kind, key);
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
    return MakeError(absl::StatusCode::kFailedPrecondition, error_reason::kInternal,
                     absl::StrCat(path, " has schema version ", version,
                                  ", but this program knows versions up to ", LatestSchemaVersion(),
                                  ": run the newer program that wrote it"));
  }
  const auto application = ReadNumber(connection, "PRAGMA application_id");
  if (!application.ok()) return application.status();
  const auto tables = ReadNumber(connection, "SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.status();
  if (*tables > 0 && *application != kApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, error_reason::kInternal,
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
