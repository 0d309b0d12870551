// The store in one SQLite file. docs/adr/0010-sqlite-layout.md says why it is laid out as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/store.h"

namespace latchwire {

struct SqliteOptions {
  // The database file; its log and shared memory stand beside it as <path>-wal and <path>-shm.
  // Created with mode 0600 when there is none: it holds webhook secrets in clear.
  std::string path;
  // Reads that can run at the same time; further ones wait.
  int read_connections = 4;
  // Of pages that the operating system caches as well. Larger ones were slower, and are what the
  // process' resident memory is made of; docs/performance.md has the numbers.
  int64_t write_cache_bytes = 16 << 20;
  int64_t read_cache_bytes = 2 << 20;  // of each read connection
  int64_t mmap_bytes = 0;              // 0: no memory mapping
  // Beyond this, Checkpoint() has the log start over even if it must hold up a write for that.
  int64_t wal_limit_bytes = 256 << 20;
  // Cap of the main file, after which writes fail as on a full disk. 0: none but the disk's.
  int64_t max_bytes = 0;
  // How long to wait for another process that is writing.
  absl::Duration busy_timeout = absl::Seconds(2);
  // A VFS registered with SQLite, for tests that watch or break the disk; empty: the system's own.
  std::string vfs;
  // Commits are not synced: only for tests that show that a power cut then loses what was answered.
  bool unsafe_without_sync = false;
};

// Opens or creates the database and brings its schema up to date. Fails with FAILED_PRECONDITION if
// the schema is newer than this program, naming both versions, or if the file is someone else's;
// with STORE_UNAVAILABLE if the file cannot be opened.
//
// Any number of handles may be open on one file, also in several processes of one machine.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(SqliteOptions options);

}  // namespace latchwire
