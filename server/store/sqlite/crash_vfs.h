// Lets the process die in the middle of a checkpoint, for the kill tests.
#pragma once

#include <string>

namespace latchwire::sqlite {

// The name of a VFS that passes everything on to `base` (empty: the system's own) and passes the
// crash point `server-during-checkpoint` after each page that a checkpoint writes to the main file:
// then some pages are new, some old, and nothing of it is synced. Without LATCHWIRE_CRASH_POINTS:
// `base`.
std::string CrashVfs(const std::string& base);

// Says that this thread runs a checkpoint.
class CheckpointScope {
 public:
  CheckpointScope();
  ~CheckpointScope();
};

}  // namespace latchwire::sqlite
