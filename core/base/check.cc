#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace latchwire {

void CheckFailed(const char* file, int line, const char* condition, const std::string& message) {
  // Not through the log, which may be what is broken.
  std::fprintf(stderr, "%s:%d: check failed: %s%s%s\n", file, line, condition,
               message.empty() ? "" : ": ", message.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace latchwire
