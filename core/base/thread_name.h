// Names for threads, so that top, perf and `make bench` can say where the time goes.
#pragma once

#include <pthread.h>

namespace latchwire {

// Of the calling thread; at most 15 characters are kept.
inline void NameThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace latchwire
