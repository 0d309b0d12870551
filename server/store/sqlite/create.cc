#include "server/store/sqlite/create.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/migrations.h"

namespace latchwire::sqlite {
namespace {

absl::Status ErrnoError(absl::string_view doing, const std::string& path) {
  return StoreUnavailableError(absl::StrCat("cannot ", doing, " ", path, ": ", strerror(errno)));
}

absl::Status SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoError("open", folder);
  const int result = fsync(fd);
  close(fd);
  return result == 0 ? absl::OkStatus() : ErrnoError("sync", folder);
}

}  // namespace

absl::Status CreateIfMissing(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return absl::OkStatus();
  std::string draft = absl::StrCat(path, ".new-XXXXXX");
  const int fd = mkstemp(draft.data());  // mode 0600
  if (fd < 0) return ErrnoError("create", path);
  close(fd);
  const absl::Cleanup remove = [&draft] {
    for (const char* suffix : {"", "-wal", "-shm"}) unlink((draft + suffix).c_str());
  };
  {
    ConnectionOptions options;
    options.path = draft;
    const auto connection = Connection::Open(options);
    if (!connection.ok()) return connection.status();
    if (absl::Status status = Migrate(connection->get(), path); !status.ok()) return status;
    // All of it into the one file; closing then takes the log away.
    sqlite3* const db = (*connection)->db();
    const int code =
        sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (code != SQLITE_OK) return ErrorOf(code, db);
  }
  if (link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) return ErrnoError("create", path);
  return SyncFolderOf(path);
}

}  // namespace latchwire::sqlite
