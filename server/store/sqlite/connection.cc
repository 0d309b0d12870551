#include "server/store/sqlite/connection.h"

#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "server/store/driver/driver_errors.h"

namespace latchwire::sqlite {
namespace {

// Statistics of memory use would take a global lock in every allocation.
void ConfigureOnce() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

absl::Status ErrorOf(int code, sqlite3* db) {
  const std::string detail =
      absl::StrCat(sqlite3_errstr(code), " (", db == nullptr ? code : sqlite3_extended_errcode(db),
                   db == nullptr ? "" : ", ", db == nullptr ? "" : sqlite3_errmsg(db), ")");
  switch (code & 0xff) {
    case SQLITE_OK:
      return absl::OkStatus();
    case SQLITE_FULL:
      return StoreUnavailableError(absl::StrCat("disk full: ", detail));
    case SQLITE_IOERR:
      return StoreUnavailableError(absl::StrCat("input/output error: ", detail));
    case SQLITE_NOMEM:
      return StoreUnavailableError("out of memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StoreUnavailableError(absl::StrCat("the database file is damaged: ", detail));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return StoreUnavailableError(absl::StrCat("another process holds the database: ", detail));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return StoreUnavailableError(absl::StrCat("the database cannot be opened: ", detail));
    case SQLITE_INTERRUPT:
      return StoreUnavailableError("interrupted");
    default:
      return MakeError(absl::StatusCode::kInternal, error_reason::kInternal,
                       absl::StrCat("database: ", detail));
  }
}

bool Query::Next() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) status_ = ErrorOf(code, sqlite3_db_handle(statement_));
  return false;
}

absl::string_view Query::BytesAt(int column) const {
  // The pointer first: asking for the size could convert the value.
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  ConfigureOnce();
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &db,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                       SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  std::unique_ptr<Connection> connection(new Connection(db));
  if (code != SQLITE_OK) return ErrorOf(code, db);
  sqlite3_busy_timeout(db, static_cast<int>(absl::ToInt64Milliseconds(options.busy_timeout)));
  absl::Status status = connection->Execute(
      absl::StrCat("PRAGMA trusted_schema = OFF;"
                   "PRAGMA journal_mode = WAL;"
                   "PRAGMA synchronous = FULL;"
                   "PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA temp_store = MEMORY;"
                   "PRAGMA cache_size = ",
                   -(options.cache_bytes / 1024), ";PRAGMA mmap_size = ", options.mmap_bytes, ";"));
  if (!status.ok()) return status;
  if (options.unsafe_without_sync) {
    status = connection->Execute("PRAGMA synchronous = OFF;");
    if (!status.ok()) return status;
  }
  if (options.max_bytes > 0) {
    status = connection->Execute(
        absl::StrCat("PRAGMA max_page_count = ", std::max<int64_t>(options.max_bytes / 4096, 1)));
    if (!status.ok()) return status;
  }
  if (options.read_only) {
    status = connection->Execute("PRAGMA query_only = ON;");
    if (!status.ok()) return status;
  }
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  for (const auto& [sql, statement] : text_statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

Query Connection::Prepared(absl::string_view sql, sqlite3_stmt** slot) {
  if (*slot == nullptr) {
    const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, slot, nullptr);
    if (code != SQLITE_OK) return Query(nullptr, ErrorOf(code, db_));
  }
  return Query(*slot, absl::OkStatus());
}

Query Connection::Use(const char* sql) { return Prepared(sql, &statements_[sql]); }

Query Connection::UseText(const std::string& sql) { return Prepared(sql, &text_statements_[sql]); }

void Connection::Trim() {
  constexpr size_t kKept = 64;
  if (text_statements_.size() <= kKept) return;
  for (const auto& [sql, statement] : text_statements_) sqlite3_finalize(statement);
  text_statements_.clear();
}

absl::Status Connection::Execute(const std::string& sql) {
  return ErrorOf(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), db_);
}

void Connection::Rollback() {
  // Some errors have rolled back already.
  if (sqlite3_get_autocommit(db_) == 0) (void)Use("ROLLBACK").Run();
}

}  // namespace latchwire::sqlite
