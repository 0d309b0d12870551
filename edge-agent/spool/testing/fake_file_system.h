// A disk in memory that can be filled, broken and cut off from power.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/random.h"
#include "edge-agent/spool/file_system.h"

namespace latchwire::edge {

// Thread-safe. One folder level: every path is just a name.
class FakeFileSystem : public SpoolFileSystem {
 public:
  // Simulates a power cut: unsynced writes are kept, lost or torn, as `random` decides; locks are
  // released. Writes to files that are still open have no effect.
  void Crash(Random* random);
  // As kill -9: the kernel keeps everything that was written.
  void Kill();

  // Appends and creations fail beyond `bytes` in total; removals never do.
  void SetCapacity(uint64_t bytes);
  // The next `count` syncs of files fail; what they covered may or may not survive.
  void FailSyncs(int count);
  // Each append fails so often, half way (0 to 1), by `random`.
  void FailAppends(double share, Random* random);
  void FailTruncates(bool fail);

  // Flips a bit.
  void Damage(const std::string& path, uint64_t offset);
  std::vector<std::string> Paths() const;
  uint64_t SizeOf(const std::string& path) const;
  uint64_t TotalBytes() const;
  int sync_count() const;
  // Number of removed files that are still open and so still take space.
  int RemovedButOpen() const;
  // All files under other identities, as after `cp -r`.
  void CopyToAnotherFolder();

  absl::Status CreateDirectory(const std::string& path) override;
  absl::StatusOr<uint64_t> DirectoryIdentity(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<SpoolFile>> Create(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<SpoolFile>> Open(const std::string& path) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<Lock>> LockFile(const std::string& path) override;

 private:
  struct Inode {
    uint64_t identity = 0;
    std::string content;
    std::string durable;
  };
  class File;
  class FakeLock;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  uint64_t TotalBytesLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  Names names_ ABSL_GUARDED_BY(mutex_);
  Names durable_names_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> locked_ ABSL_GUARDED_BY(mutex_);
  uint64_t capacity_ ABSL_GUARDED_BY(mutex_) = ~uint64_t{0};
  int failing_syncs_ ABSL_GUARDED_BY(mutex_) = 0;
  double failing_appends_ ABSL_GUARDED_BY(mutex_) = 0;
  Random* append_random_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool failing_truncates_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_identity_ ABSL_GUARDED_BY(mutex_) = 100;
  uint64_t directory_identity_ ABSL_GUARDED_BY(mutex_) = 1;
  std::multiset<const Inode*> open_files_ ABSL_GUARDED_BY(mutex_);
  int sync_count_ ABSL_GUARDED_BY(mutex_) = 0;
  int generation_ ABSL_GUARDED_BY(mutex_) =
      0;  // of the machine's life; locks of an older one are void
};

}  // namespace latchwire::edge
