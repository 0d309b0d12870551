// The disk as a dependency, so that tests can fill it, break it and cut its power.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire::edge {

// An open file. ReadAt may be called from any thread; the rest from one at a time.
class SpoolFile {
 public:
  virtual ~SpoolFile() = default;  // closes; unsynced bytes may be lost at a power cut

  // Appends all of `data`. After an error any prefix of it may have been written.
  virtual absl::Status Append(absl::string_view data) = 0;
  // Returns once every byte written so far survives a power cut. After an error nothing is known
  // about what was not synced before, and trying again proves nothing.
  virtual absl::Status Sync() = 0;
  virtual absl::Status Truncate(uint64_t size) = 0;
  // Fills `out` from `offset` on. Returns the number of bytes read, less than `size` only at the
  // file's end.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, size_t size, char* out) const = 0;
  virtual absl::StatusOr<uint64_t> Size() const = 0;
  // Names the file independently of its path: equal after a rename, different for a copy.
  virtual uint64_t Identity() const = 0;
};

// Thread-safe. Paths are absolute or relative to the process. RESOURCE_EXHAUSTED means that the
// disk or the quota is full, NOT_FOUND that there is no such file, UNAVAILABLE any other fault.
class SpoolFileSystem {
 public:
  virtual ~SpoolFileSystem() = default;

  // Creates the directory and its missing parents, durably.
  virtual absl::Status CreateDirectory(const std::string& path) = 0;
  virtual absl::StatusOr<uint64_t> DirectoryIdentity(const std::string& path) = 0;
  // Names of the files in the directory, in any order.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  // Creates an empty file for appending and reading. ALREADY_EXISTS if there is one.
  virtual absl::StatusOr<std::unique_ptr<SpoolFile>> Create(const std::string& path) = 0;
  // Opens an existing file for reading.
  virtual absl::StatusOr<std::unique_ptr<SpoolFile>> Open(const std::string& path) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // Replaces `to` if it exists.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Returns once creations, removals and renames in the directory survive a power cut.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;

  // Held until destroyed, and released by the kernel when the process dies.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  // FAILED_PRECONDITION when another process holds it.
  virtual absl::StatusOr<std::unique_ptr<Lock>> LockFile(const std::string& path) = 0;
};

// The machine's own. Never destroyed.
SpoolFileSystem* PosixSpoolFileSystem();

// Returns a whole file. RESOURCE_EXHAUSTED if it has more than `limit` bytes.
absl::StatusOr<std::string> ReadWholeFile(SpoolFileSystem* file_system, const std::string& path,
                                          size_t limit);

}  // namespace latchwire::edge
