// What /readyz says about the server; docs/operating.md lists it.
#pragma once

#include <atomic>

#include "core/program/health.h"
#include "server/metrics/write_watch.h"
#include "server/state/read_pool.h"
#include "server/state/writer.h"

namespace latchwire {

// All are read from the thread that serves the page, and outlive it.
struct HealthSources {
  const WriteCounters* writes = nullptr;
  const Writer* writer = nullptr;
  const ThreadReadPool* reads = nullptr;
  const std::atomic<bool>* draining = nullptr;  // told to stop: calls get SHUTTING_DOWN
};

// Refusing, by the reason that calls get: SHUTTING_DOWN, STORE_UNAVAILABLE (the last transaction
// failed; the janitor writes every few seconds, so it does not last longer than the fault),
// OVERLOADED (the queue of writes is full). Degraded: READS_OVERLOADED (the queue of reads is full,
// so events are taken and lists are not).
Health ServerHealth(const HealthSources& sources);

}  // namespace latchwire
