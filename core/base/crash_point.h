// Named places at which a test can make the process die as if by kill -9, to prove what survives.
#pragma once

#include "absl/strings/string_view.h"

namespace latchwire {

// Kills the process (SIGKILL, no destructors, no flush) if the environment variable
// LATCHWIRE_CRASH_AT is `name` or `name:N` and this is the N-th pass (the first by default).
// Compiles to nothing unless LATCHWIRE_CRASH_POINTS is set; release builds never have it.
#ifdef LATCHWIRE_CRASH_POINTS
void CrashPoint(absl::string_view name);
#else
inline void CrashPoint(absl::string_view) {}
#endif

}  // namespace latchwire
