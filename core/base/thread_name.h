// Names threads, so that top, perf and `make bench` can say where time is spent.
#pragma once

#include <pthread.h>

namespace latchwire {

// Names the calling thread; the kernel keeps at most 15 characters.
inline void NameThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace latchwire
