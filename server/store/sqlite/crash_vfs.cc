#include "server/store/sqlite/crash_vfs.h"

#include <sqlite3.h>

#include <mutex>

#include "core/base/crash_point.h"

namespace latchwire::sqlite {

#ifdef LATCHWIRE_CRASH_POINTS
namespace {

thread_local bool in_checkpoint = false;

sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs crash_vfs;
std::once_flag methods_once;
const sqlite3_io_methods* real_methods = nullptr;
sqlite3_io_methods crash_methods;

int WriteAndMaybeCrash(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const int code = real_methods->xWrite(file, data, size, offset);
  if (in_checkpoint) CrashPoint("server-during-checkpoint");
  return code;
}

// The file is the real one; only its table of methods is exchanged.
int OpenFile(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const int code = real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0) return code;
  std::call_once(methods_once, [file] {
    real_methods = file->pMethods;
    crash_methods = *real_methods;
    crash_methods.xWrite = WriteAndMaybeCrash;
  });
  if (file->pMethods == real_methods) file->pMethods = &crash_methods;
  return code;
}

}  // namespace

std::string CrashVfs(const std::string& base) {
  if (!base.empty()) return base;
  static const bool registered = [] {
    real_vfs = sqlite3_vfs_find(nullptr);
    if (real_vfs == nullptr) return false;
    crash_vfs = *real_vfs;
    crash_vfs.zName = "latchwire-crash";
    crash_vfs.pNext = nullptr;
    crash_vfs.xOpen = OpenFile;
    return sqlite3_vfs_register(&crash_vfs, 0) == SQLITE_OK;
  }();
  return registered ? crash_vfs.zName : base;
}

CheckpointScope::CheckpointScope() { in_checkpoint = true; }
CheckpointScope::~CheckpointScope() { in_checkpoint = false; }

#else

std::string CrashVfs(const std::string& base) { return base; }
CheckpointScope::CheckpointScope() {}
CheckpointScope::~CheckpointScope() {}

#endif  // LATCHWIRE_CRASH_POINTS

}  // namespace latchwire::sqlite
