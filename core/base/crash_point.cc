#include "core/base/crash_point.h"

#ifdef LATCHWIRE_CRASH_POINTS

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "core/base/mutex.h"

namespace latchwire {
namespace {

struct Plan {
  std::string name;
  int remaining_passes = 1;
  Mutex mutex;

  Plan() {
    const char* text = std::getenv("LATCHWIRE_CRASH_AT");
    if (text == nullptr) return;
    name = text;
    const size_t colon = name.rfind(':');
    int passes = 0;
    if (colon != std::string::npos && absl::SimpleAtoi(name.substr(colon + 1), &passes)) {
      name.resize(colon);
      remaining_passes = passes;
    }
  }
};

}  // namespace

void CrashPoint(absl::string_view name) {
  static Plan* const plan = new Plan;
  if (plan->name.empty() || name != plan->name) return;
  MutexLock lock(&plan->mutex);
  if (--plan->remaining_passes > 0) return;
  kill(getpid(), SIGKILL);
  for (;;) pause();  // the signal may take a moment; nothing of ours may run in it
}

}  // namespace latchwire

#endif  // LATCHWIRE_CRASH_POINTS
