// Names for threads, so that top, perf and `make bench` can say where the time goes.
#pragma once

#include <pthread.h>

#include <cstring>

#include "core/base/check.h"

namespace latchwire {

inline constexpr size_t kMaxThreadNameLength = 15;  // the kernel's

// Names the calling thread. `name` is a constant of at most kMaxThreadNameLength bytes.
inline void NameThread(const char* name) {
  LATCHWIRE_DCHECK(std::strlen(name) <= kMaxThreadNameLength, name);
  pthread_setname_np(pthread_self(), name);
}

}  // namespace latchwire
