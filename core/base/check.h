// Assertions for invariants: what can only be false if our own code is wrong. What a user, a peer
// or a disk can cause is an absl::Status instead.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"

namespace latchwire {

// Writes `file:line: check failed: condition: message` to standard error and aborts the process.
// Whatever was answered before is durable, so a restart continues from there.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const std::string& message);

}  // namespace latchwire

// Aborts if `condition` is false; the further arguments, joined by absl::StrCat, say more. Runs in
// every build: use it where continuing would lose or corrupt what was promised.
#define LATCHWIRE_CHECK(condition, ...)                                                      \
  do {                                                                                       \
    if (!(condition)) [[unlikely]]                                                           \
      ::latchwire::CheckFailed(__FILE__, __LINE__, #condition, ::absl::StrCat(__VA_ARGS__)); \
  } while (false)

// The same for debug builds, which unit tests, the simulation and the fuzzers are. Compiled but
// never evaluated under NDEBUG, so that it may be costly, and must have no effect of its own.
#ifdef NDEBUG
#define LATCHWIRE_DCHECK(condition, ...)                              \
  do {                                                                \
    if (false) LATCHWIRE_CHECK(condition __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)
#else
#define LATCHWIRE_DCHECK(condition, ...) LATCHWIRE_CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
