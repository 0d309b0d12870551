// One connection to SQLite and its prepared statements. Nothing above this file calls SQLite
// itself.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire::sqlite {

// An error of SQLite as one of ours: kUnavailable/STORE_UNAVAILABLE naming the cause when the file,
// the disk or another process is to blame; else kInternal/INTERNAL, the fault of one statement.
absl::Status ErrorOf(int code, sqlite3* db);

// One execution of a prepared statement; resets it at the end. Errors, also those of binding, come
// out of status(). Bound texts must outlive the query: they are not copied.
class Query {
 public:
  Query(sqlite3_stmt* statement, absl::Status status)
      : statement_(statement), status_(std::move(status)) {}
  Query(Query&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)), status_(std::move(other.status_)) {}
  ~Query() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }

  // Parameters in the order of their numbers, from ?1.
  Query& Int(int64_t value) {
    return Bound(statement_ == nullptr ? 0 : sqlite3_bind_int64(statement_, next_, value));
  }
  Query& Text(absl::string_view value) {
    return Bound(statement_ == nullptr
                     ? 0
                     : sqlite3_bind_text64(statement_, next_, value.empty() ? "" : value.data(),
                                           value.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  Query& Blob(absl::string_view value) {
    return Bound(statement_ == nullptr
                     ? 0
                     : sqlite3_bind_blob64(statement_, next_, value.empty() ? "" : value.data(),
                                           value.size(), SQLITE_STATIC));
  }
  Query& Null() { return Bound(statement_ == nullptr ? 0 : sqlite3_bind_null(statement_, next_)); }

  // Moves to the next row; false at the end and on errors.
  bool Next();
  // For statements without rows.
  absl::Status Run() {
    while (Next()) {
    }
    return status_;
  }
  const absl::Status& status() const { return status_; }

  // Columns of the row, from 0. Texts live until the next call of Next.
  int64_t IntAt(int column) const { return sqlite3_column_int64(statement_, column); }
  bool IsNull(int column) const { return TypeAt(column) == SQLITE_NULL; }
  int TypeAt(int column) const { return sqlite3_column_type(statement_, column); }
  // Of a TEXT or a BLOB: its bytes as they are.
  absl::string_view BytesAt(int column) const;
  std::string StringAt(int column) const { return std::string(BytesAt(column)); }

 private:
  Query& Bound(int code) {
    ++next_;
    if (code != SQLITE_OK && status_.ok()) status_ = ErrorOf(code, nullptr);
    return *this;
  }

  sqlite3_stmt* statement_;
  absl::Status status_;
  int next_ = 1;
};

struct ConnectionOptions {
  std::string path;
  std::string vfs;
  bool read_only = false;
  int64_t cache_bytes = 0;
  int64_t mmap_bytes = 0;
  int64_t max_bytes = 0;
  absl::Duration busy_timeout;
  bool unsafe_without_sync = false;  // see SqliteOptions
};

// Used by one thread at a time.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` is a constant: statements are kept by its address.
  Query Use(const char* sql);
  // For statements whose text is made up, of which there are few.
  Query UseText(const std::string& sql);
  // One or more statements without parameters, not kept.
  absl::Status Execute(const std::string& sql);
  // Forgets statements with made-up texts when there are many. While no query is in use.
  void Trim();
  // Takes back what the open transaction did, if one is open.
  void Rollback();

  int64_t changed_rows() const { return sqlite3_changes64(db_); }
  sqlite3* db() const { return db_; }

 private:
  explicit Connection(sqlite3* db) : db_(db) {}
  Query Prepared(absl::string_view sql, sqlite3_stmt** slot);

  sqlite3* const db_;
  absl::flat_hash_map<const char*, sqlite3_stmt*> statements_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> text_statements_;
};

// A read transaction: all queries until its end see one snapshot.
class Snapshot {
 public:
  explicit Snapshot(Connection* connection)
      : connection_(connection), status_(connection->Use("BEGIN").Run()) {}
  ~Snapshot() {
    if (status_.ok()) connection_->Rollback();
  }
  const absl::Status& status() const { return status_; }

 private:
  Connection* const connection_;
  const absl::Status status_;
};

}  // namespace latchwire::sqlite
