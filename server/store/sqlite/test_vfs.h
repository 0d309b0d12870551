// The system's VFS with a hook around every write, sync and truncation: for tests that break the
// disk or take pictures of it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace latchwire::sqlite {

enum class DiskOperation { kWrite, kSync, kTruncate };

// A disk operation that was done.
struct DiskChange {
  DiskOperation operation;
  const std::string& path;
  absl::string_view data;  // kWrite only
  int64_t offset = 0;      // kWrite: of data; kTruncate: the new size
};

// One at a time: the hooks are global, because SQLite's methods are.
class TestVfs {
 public:
  using Before = std::function<int(DiskOperation, const std::string& path)>;  // not 0: fails so
  using After = std::function<void(DiskOperation, const std::string& path)>;
  using Watcher = std::function<void(const DiskChange&)>;

  TestVfs() { Register(); }
  ~TestVfs() {
    Hook(nullptr, nullptr);
    Watch(nullptr);
  }
  static std::string name() { return "latchwire-test"; }

  // While nothing runs. Hooks may use other connections; what they do then is not hooked.
  void Hook(Before before, After after) {
    State().before = std::move(before);
    State().after = std::move(after);
  }
  // The same, but sees what is written, and is the disk: nothing waits for the real one's syncs.
  // Called from every thread that writes.
  void Watch(Watcher watcher) { State().watcher = std::move(watcher); }

 private:
  struct File {
    std::string path;
    const sqlite3_io_methods* methods = nullptr;
  };
  struct Shared {
    sqlite3_vfs* real = nullptr;
    sqlite3_vfs vfs = {};
    std::mutex mutex;
    // SQLite has one table of methods for files that are locked and one for those that are not.
    std::map<const sqlite3_io_methods*, sqlite3_io_methods> methods;
    std::map<sqlite3_file*, File> files;
    Before before;
    After after;
    Watcher watcher;
  };
  static Shared& State() {
    static Shared* const shared = new Shared;
    return *shared;
  }
  static File Find(sqlite3_file* file) {
    std::lock_guard<std::mutex> lock(State().mutex);
    return State().files[file];
  }
  template <typename Call>
  static int Around(DiskOperation operation, sqlite3_file* file, Call call,
                    absl::string_view data = {}, int64_t offset = 0) {
    static thread_local bool in_hook = false;
    const File real = Find(file);
    if (in_hook) return call(*real.methods);
    in_hook = true;
    int code = State().before ? State().before(operation, real.path) : SQLITE_OK;
    in_hook = false;
    if (code == SQLITE_OK) code = call(*real.methods);
    in_hook = true;
    if (code == SQLITE_OK && State().after) State().after(operation, real.path);
    if (code == SQLITE_OK && State().watcher) {
      State().watcher({operation, real.path, data, offset});
    }
    in_hook = false;
    return code;
  }
  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    return Around(
        DiskOperation::kWrite, file,
        [&](const sqlite3_io_methods& methods) { return methods.xWrite(file, data, size, offset); },
        {static_cast<const char*>(data), static_cast<size_t>(size)}, offset);
  }
  static int Sync(sqlite3_file* file, int flags) {
    return Around(DiskOperation::kSync, file, [&](const sqlite3_io_methods& methods) {
      return State().watcher ? SQLITE_OK : methods.xSync(file, flags);
    });
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    return Around(
        DiskOperation::kTruncate, file,
        [&](const sqlite3_io_methods& methods) { return methods.xTruncate(file, size); }, {}, size);
  }
  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    Shared& state = State();
    const int code = state.real->xOpen(state.real, name, file, flags, out_flags);
    if (code != SQLITE_OK || name == nullptr) return code;
    std::lock_guard<std::mutex> lock(state.mutex);
    const auto [entry, is_new] = state.methods.try_emplace(file->pMethods, *file->pMethods);
    if (is_new) {
      entry->second.xWrite = Write;
      entry->second.xSync = Sync;
      entry->second.xTruncate = Truncate;
    }
    state.files[file] = {name, file->pMethods};
    file->pMethods = &entry->second;
    return code;
  }
  static void Register() {
    Shared& state = State();
    if (state.real != nullptr) return;
    state.real = sqlite3_vfs_find(nullptr);
    state.vfs = *state.real;
    state.vfs.zName = "latchwire-test";
    state.vfs.pNext = nullptr;
    state.vfs.xOpen = Open;
    sqlite3_vfs_register(&state.vfs, 0);
  }
};

}  // namespace latchwire::sqlite
