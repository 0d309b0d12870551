// A disk that knows what a power cut would leave of it. SQLite works on real files through TestVfs;
// beside them this keeps, per file, the bytes as of its last sync and every change since.
//
// A cut keeps what was synced. Of each change since then it may keep all, nothing, or some of its
// sectors, in any order: a disk promises no more.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/store/sqlite/test_vfs.h"

namespace latchwire::sqlite {

class PowerCutDisk {
 public:
  // Called in the middle of a disk operation, under the disk's lock: nothing else reaches the disk
  // meanwhile. `files` is what the power cut left, by name.
  using OnCut = std::function<void(const std::map<std::string, std::string>& files)>;

  // The database `path` is created before Start. `seed` chooses the moments of the cuts, one
  // in `operations_per_cut`, and what becomes of unsynced sectors.
  PowerCutDisk(TestVfs* vfs, std::string path, uint64_t seed, int operations_per_cut)
      : vfs_(vfs), path_(std::move(path)), random_(seed), operations_per_cut_(operations_per_cut) {}
  ~PowerCutDisk() { vfs_->Watch(nullptr); }

  // What is in the database's files now counts as synced.
  void Start(OnCut on_cut) {
    MutexLock lock(&mutex_);
    for (const char* suffix : {"", "-wal"}) {
      std::ifstream file(path_ + suffix, std::ios::binary);
      if (file) {
        files_[path_ + suffix].durable.assign(std::istreambuf_iterator<char>(file),
                                              std::istreambuf_iterator<char>());
      }
    }
    on_cut_ = std::move(on_cut);
    vfs_->Watch([this](const DiskChange& change) { OnChange(change); });
  }

 private:
  static constexpr int64_t kSectorBytes = 512;

  struct Unsynced {
    bool truncates = false;
    int64_t offset = 0;
    std::string data;
  };
  struct File {
    std::string durable;
    std::vector<Unsynced> unsynced;
  };

  static void Write(std::string* file, int64_t offset, absl::string_view data) {
    const auto end = static_cast<size_t>(offset) + data.size();
    if (file->size() < end) file->resize(end);
    std::copy(data.begin(), data.end(), file->begin() + offset);
  }
  static void Apply(std::string* file, const Unsynced& change) {
    if (change.truncates) {
      file->resize(static_cast<size_t>(change.offset));
    } else {
      Write(file, change.offset, change.data);
    }
  }

  void OnChange(const DiskChange& change) {
    MutexLock lock(&mutex_);
    File& file = files_[change.path];
    switch (change.operation) {
      case DiskOperation::kSync:
        for (const Unsynced& unsynced : file.unsynced) Apply(&file.durable, unsynced);
        file.unsynced.clear();
        break;
      case DiskOperation::kWrite:
        file.unsynced.push_back({false, change.offset, std::string(change.data)});
        break;
      case DiskOperation::kTruncate:
        file.unsynced.push_back({true, change.offset, ""});
        break;
    }
    if (random_() % static_cast<uint64_t>(operations_per_cut_) == 0) Cut();
  }

  void Cut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::map<std::string, std::string> cut;
    // The plain cases come up often: nothing of what was not synced, or all of it but its end.
    const uint64_t kind = random_() % 3;
    for (const auto& [path, file] : files_) {
      std::string left = file.durable;
      for (size_t i = 0; i < file.unsynced.size(); ++i) {
        const bool last = i + 1 == file.unsynced.size();
        if (kind == 0) continue;
        if (kind == 1 && !last) {
          Apply(&left, file.unsynced[i]);
        } else {
          ApplySomeSectors(&left, file.unsynced[i]);
        }
      }
      cut[std::filesystem::path(path).filename()] = std::move(left);
    }
    on_cut_(cut);
  }

  void ApplySomeSectors(std::string* file, const Unsynced& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (change.truncates) {
      if (random_() % 2 == 0) Apply(file, change);
      return;
    }
    const auto end = change.offset + static_cast<int64_t>(change.data.size());
    for (int64_t at = change.offset; at < end;) {
      const int64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
      if (random_() % 2 == 0) {
        Write(file, at,
              absl::string_view(change.data)
                  .substr(static_cast<size_t>(at - change.offset), static_cast<size_t>(next - at)));
      }
      at = next;
    }
  }

  TestVfs* const vfs_;
  const std::string path_;
  OnCut on_cut_;
  Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  const int operations_per_cut_;
  std::map<std::string, File> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire::sqlite
