#include "server/store/sqlite/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/migrations.h"

namespace latchwire {
namespace sqlite {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

absl::Status ErrnoError(absl::string_view doing, const std::string& path) {
  return StoreUnavailableError(absl::StrCat("cannot ", doing, " ", path, ": ", strerror(errno)));
}

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

absl::Status Sync(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return ErrnoError("open", path);
  const int result = fsync(fd);
  close(fd);
  return result == 0 ? absl::OkStatus() : ErrnoError("sync", path);
}

absl::StatusOr<Database> Open(const std::string& path, int flags) {
  sqlite3* db = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_EXRESCODE, /*zVfs=*/nullptr);
  Database database(db);
  if (code != SQLITE_OK) return ErrorOf(code, db);
  sqlite3_busy_timeout(db, 5000);
  return database;
}

// The first column of the first row, as text.
absl::StatusOr<std::string> Ask(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
  const absl::Cleanup finalize = [statement] { sqlite3_finalize(statement); };
  if (code != SQLITE_OK) return ErrorOf(code, db);
  code = sqlite3_step(statement);
  if (code != SQLITE_ROW)
    return code == SQLITE_DONE ? absl::StatusOr<std::string>("") : ErrorOf(code, db);
  const unsigned char* text = sqlite3_column_text(statement, 0);
  return std::string(text == nullptr ? "" : reinterpret_cast<const char*>(text));
}

absl::Status CheckOurs(sqlite3* db, const std::string& path) {
  const auto application = Ask(db, "PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*application != absl::StrCat(kApplicationId)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a database of Latchwire"));
  }
  const auto version = Ask(db, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (atoll(version->c_str()) > LatestSchemaVersion()) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " has schema version ", *version, ", but this program knows versions up to ",
        LatestSchemaVersion(), ": use the newer program that wrote it"));
  }
  return absl::OkStatus();
}

absl::Status CheckWhole(sqlite3* db, const std::string& path, const char* pragma) {
  const auto found = Ask(db, pragma);
  if (!found.ok()) return found.status();
  if (*found == "ok") return absl::OkStatus();
  return StoreUnavailableError(absl::StrCat(path, " is damaged: ", *found));
}

// All pages in one step, so that it is one snapshot.
absl::Status CopyPages(sqlite3* from, const std::string& to) {
  const auto target = Open(to, SQLITE_OPEN_READWRITE);
  if (!target.ok()) return target.status();
  // What a crash leaves is a draft that nobody reads; it is synced once, at the end.
  if (const auto set = Ask(target->get(), "PRAGMA synchronous = OFF"); !set.ok()) {
    return set.status();
  }
  sqlite3_backup* const backup = sqlite3_backup_init(target->get(), "main", from, "main");
  if (backup == nullptr) return ErrorOf(sqlite3_errcode(target->get()), target->get());
  sqlite3_backup_step(backup, -1);
  const int code = sqlite3_backup_finish(backup);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code, target->get());
}

// The copy is one file, which needs no log beside it, and is what it should be.
absl::Status FinishCopy(const std::string& draft, const std::string& name) {
  {
    const auto copy = Open(draft, SQLITE_OPEN_READWRITE);
    if (!copy.ok()) return copy.status();
    const auto mode = Ask(copy->get(), "PRAGMA journal_mode = DELETE");
    if (!mode.ok()) return mode.status();
    if (*mode != "delete") return StoreUnavailableError(absl::StrCat(name, " keeps its log"));
    if (absl::Status status = CheckOurs(copy->get(), name); !status.ok()) return status;
    absl::Status status = CheckWhole(copy->get(), name, "PRAGMA quick_check(1)");
    if (!status.ok()) return status;
  }
  return Sync(draft, O_RDONLY);
}

// Copies to `to`, which appears as a whole or not at all, and never replaces anything.
absl::Status CopyDatabase(sqlite3* from, const std::string& to) {
  std::string draft = absl::StrCat(to, ".new-XXXXXX");
  const int fd = mkstemp(draft.data());  // mode 0600
  if (fd < 0) return ErrnoError("create", to);
  close(fd);
  const absl::Cleanup remove = [&draft] {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) unlink((draft + suffix).c_str());
  };
  absl::Status status = CopyPages(from, draft);
  if (status.ok()) status = FinishCopy(draft, to);
  if (!status.ok()) return status;
  if (link(draft.c_str(), to.c_str()) != 0) return ErrnoError("create", to);
  const std::string folder = std::filesystem::path(to).parent_path();
  return Sync(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace
}  // namespace sqlite

absl::Status BackUpSqlite(const std::string& database, const std::string& to) {
  if (sqlite::Exists(to)) {
    return absl::FailedPreconditionError(absl::StrCat(to, " exists, and is not overwritten"));
  }
  if (!sqlite::Exists(database)) {
    return absl::NotFoundError(absl::StrCat("there is no database ", database));
  }
  const auto from = sqlite::Open(database, SQLITE_OPEN_READWRITE);  // it may have to make the log
  if (!from.ok()) return from.status();
  absl::Status status = sqlite::CheckOurs(from->get(), database);
  return status.ok() ? sqlite::CopyDatabase(from->get(), to) : status;
}

absl::Status RestoreSqlite(const std::string& from, const std::string& database) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    if (!sqlite::Exists(database + suffix)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(database, suffix, " exists: restore into a folder without a database"));
  }
  if (!sqlite::Exists(from)) return absl::NotFoundError(absl::StrCat("there is no file ", from));
  const auto source = sqlite::Open(from, SQLITE_OPEN_READONLY);
  if (!source.ok()) return source.status();
  absl::Status status = sqlite::CheckOurs(source->get(), from);
  if (status.ok()) {
    status = sqlite::CheckWhole(source->get(), from, "PRAGMA integrity_check(1)");
  }
  return status.ok() ? sqlite::CopyDatabase(source->get(), database) : status;
}

}  // namespace latchwire
