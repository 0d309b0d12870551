#include "edge-agent/spool/testing/fake_file_system.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace latchwire::edge {

class FakeFileSystem::File : public SpoolFile {
 public:
  // Under the disk's mutex.
  File(FakeFileSystem* disk, std::shared_ptr<Inode> inode) ABSL_NO_THREAD_SAFETY_ANALYSIS
      : disk_(disk),
        inode_(std::move(inode)) {
    disk_->open_files_.insert(inode_.get());
  }
  ~File() override {
    MutexLock lock(&disk_->mutex_);
    disk_->open_files_.erase(disk_->open_files_.find(inode_.get()));
  }

  absl::Status Append(absl::string_view data) override {
    MutexLock lock(&disk_->mutex_);
    const uint64_t used = disk_->TotalBytesLocked();
    const uint64_t room = disk_->capacity_ > used ? disk_->capacity_ - used : 0;
    if (data.size() > room) {
      inode_->content.append(data.data(), static_cast<size_t>(room));
      return absl::ResourceExhaustedError("no space left on device");
    }
    if (disk_->append_random_ != nullptr &&
        disk_->append_random_->NextUnit() < disk_->failing_appends_) {
      const size_t part = disk_->append_random_->NextUint64() % (data.size() + 1);
      inode_->content.append(data.data(), part);
      return absl::UnavailableError("input/output error");
    }
    inode_->content.append(data.data(), data.size());
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    MutexLock lock(&disk_->mutex_);
    ++disk_->sync_count_;
    if (disk_->failing_syncs_ > 0) {
      --disk_->failing_syncs_;
      return absl::UnavailableError("input/output error");
    }
    inode_->durable = inode_->content;
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    MutexLock lock(&disk_->mutex_);
    if (disk_->failing_truncates_) return absl::UnavailableError("input/output error");
    inode_->content.resize(static_cast<size_t>(size));
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, size_t size, char* out) const override {
    MutexLock lock(&disk_->mutex_);
    if (offset >= inode_->content.size()) return size_t{0};
    const size_t got = std::min<size_t>(size, inode_->content.size() - offset);
    std::memcpy(out, inode_->content.data() + offset, got);
    return got;
  }

  absl::StatusOr<uint64_t> Size() const override {
    MutexLock lock(&disk_->mutex_);
    return inode_->content.size();
  }

  uint64_t Identity() const override {
    MutexLock lock(&disk_->mutex_);
    return inode_->identity;
  }

 private:
  FakeFileSystem* const disk_;
  const std::shared_ptr<Inode> inode_;
};

class FakeFileSystem::FakeLock : public SpoolFileSystem::Lock {
 public:
  FakeLock(FakeFileSystem* disk, std::string path, int generation)
      : disk_(disk), path_(std::move(path)), generation_(generation) {}
  ~FakeLock() override {
    MutexLock lock(&disk_->mutex_);
    if (disk_->generation_ == generation_) disk_->locked_.erase(path_);
  }

 private:
  FakeFileSystem* const disk_;
  const std::string path_;
  const int generation_;
};

void FakeFileSystem::Crash(Random* random) {
  MutexLock lock(&mutex_);
  // Each name that was made, replaced or removed and not synced, is as before or as after.
  Names after = durable_names_;
  for (const auto& [path, inode] : names_) {
    const auto it = durable_names_.find(path);
    const bool same = it != durable_names_.end() && it->second == inode;
    if (same || random->NextUint64() % 2 == 0) after[path] = inode;
  }
  for (const auto& [path, inode] : durable_names_) {
    if (!names_.contains(path) && random->NextUint64() % 2 == 0) after.erase(path);
  }
  Names fresh;
  for (const auto& [path, inode] : after) {
    auto survivor = std::make_shared<Inode>();
    survivor->identity = inode->identity;
    const std::string& content = inode->content;
    const std::string& durable = inode->durable;
    survivor->content = durable;
    const bool extends =
        content.size() > durable.size() && content.compare(0, durable.size(), durable) == 0;
    if (extends) {
      const size_t unsynced = content.size() - durable.size();
      const size_t kept = random->NextUint64() % (unsynced + 1);
      survivor->content = content.substr(0, durable.size() + kept);
      // Blocks reach the medium in any order: some of what is kept may be zeroes.
      if (kept > 0 && random->NextUint64() % 2 == 0) {
        const size_t hole = durable.size() + random->NextUint64() % kept;
        const size_t length =
            std::min<size_t>(1 + random->NextUint64() % 64, survivor->content.size() - hole);
        std::fill_n(survivor->content.begin() + static_cast<std::ptrdiff_t>(hole), length, '\0');
      }
    } else if (random->NextUint64() % 2 == 0) {
      survivor->content = content;  // a truncation that made it
    }
    survivor->durable = survivor->content;
    fresh[path] = std::move(survivor);
  }
  names_ = fresh;
  durable_names_ = fresh;
  locked_.clear();
  ++generation_;
  failing_syncs_ = 0;
}

void FakeFileSystem::Kill() {
  MutexLock lock(&mutex_);
  locked_.clear();
  ++generation_;
}

void FakeFileSystem::SetCapacity(uint64_t bytes) {
  MutexLock lock(&mutex_);
  capacity_ = bytes;
}

void FakeFileSystem::FailSyncs(int count) {
  MutexLock lock(&mutex_);
  failing_syncs_ = count;
}

void FakeFileSystem::FailAppends(double share, Random* random) {
  MutexLock lock(&mutex_);
  failing_appends_ = share;
  append_random_ = random;
}

void FakeFileSystem::FailTruncates(bool fail) {
  MutexLock lock(&mutex_);
  failing_truncates_ = fail;
}

void FakeFileSystem::Damage(const std::string& path, uint64_t offset) {
  MutexLock lock(&mutex_);
  Inode& inode = *names_.at(path);
  inode.content.at(static_cast<size_t>(offset)) ^= 0x10;
  inode.durable = inode.content;
}

std::vector<std::string> FakeFileSystem::Paths() const {
  MutexLock lock(&mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) paths.push_back(path);
  return paths;
}

uint64_t FakeFileSystem::SizeOf(const std::string& path) const {
  MutexLock lock(&mutex_);
  return names_.at(path)->content.size();
}

uint64_t FakeFileSystem::TotalBytes() const {
  MutexLock lock(&mutex_);
  return TotalBytesLocked();
}

uint64_t FakeFileSystem::TotalBytesLocked() const {
  uint64_t total = 0;
  for (const auto& [path, inode] : names_) total += inode->content.size();
  return total;
}

int FakeFileSystem::sync_count() const {
  MutexLock lock(&mutex_);
  return sync_count_;
}

int FakeFileSystem::RemovedButOpen() const {
  MutexLock lock(&mutex_);
  int count = 0;
  for (const Inode* open : open_files_) {
    const bool named = std::any_of(names_.begin(), names_.end(), [open](const auto& entry) {
      return entry.second.get() == open;
    });
    if (!named) ++count;
  }
  return count;
}

void FakeFileSystem::CopyToAnotherFolder() {
  MutexLock lock(&mutex_);
  directory_identity_ = next_identity_++;
  for (auto& [path, inode] : names_) inode->identity = next_identity_++;
}

absl::Status FakeFileSystem::CreateDirectory(const std::string&) { return absl::OkStatus(); }

absl::StatusOr<uint64_t> FakeFileSystem::DirectoryIdentity(const std::string&) {
  MutexLock lock(&mutex_);
  return directory_identity_;
}

absl::StatusOr<std::vector<std::string>> FakeFileSystem::List(const std::string& path) {
  MutexLock lock(&mutex_);
  std::vector<std::string> result;
  for (const auto& [name, inode] : names_) result.push_back(name.substr(path.size() + 1));
  return result;
}

absl::StatusOr<std::unique_ptr<SpoolFile>> FakeFileSystem::Create(const std::string& path) {
  MutexLock lock(&mutex_);
  if (names_.contains(path)) return absl::AlreadyExistsError(path);
  if (TotalBytesLocked() >= capacity_) {
    return absl::ResourceExhaustedError("no space left on device");
  }
  auto inode = std::make_shared<Inode>();
  inode->identity = next_identity_++;
  names_[path] = inode;
  return std::make_unique<File>(this, std::move(inode));
}

absl::StatusOr<std::unique_ptr<SpoolFile>> FakeFileSystem::Open(const std::string& path) {
  MutexLock lock(&mutex_);
  const auto it = names_.find(path);
  if (it == names_.end()) return absl::NotFoundError(path);
  return std::make_unique<File>(this, it->second);
}

absl::Status FakeFileSystem::Remove(const std::string& path) {
  MutexLock lock(&mutex_);
  if (names_.erase(path) == 0) return absl::NotFoundError(path);
  return absl::OkStatus();
}

absl::Status FakeFileSystem::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(&mutex_);
  const auto it = names_.find(from);
  if (it == names_.end()) return absl::NotFoundError(from);
  names_[to] = it->second;
  names_.erase(from);
  return absl::OkStatus();
}

absl::Status FakeFileSystem::SyncDirectory(const std::string&) {
  MutexLock lock(&mutex_);
  durable_names_ = names_;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SpoolFileSystem::Lock>> FakeFileSystem::LockFile(
    const std::string& path) {
  MutexLock lock(&mutex_);
  if (!locked_.insert(path).second) return absl::FailedPreconditionError("locked");
  return std::make_unique<FakeLock>(this, path, generation_);
}

}  // namespace latchwire::edge
