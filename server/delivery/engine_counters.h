// The engine's counters since the server's start, for the metrics page and the log.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/latency_histogram.h"

namespace latchwire {

// Each part of the engine writes its own; readable from any thread. docs/operating.md says what
// each means.
struct EngineCounters {
  std::atomic<int64_t> attempts{0};
  std::atomic<int64_t> succeeded{0};
  std::atomic<int64_t> retried{0};
  std::atomic<int64_t> dead{0};
  std::atomic<int64_t> expired{0};
  std::atomic<int64_t> fenced{0};
  // Deliveries dropped by an overflow: new ones without a place and older ones that made room.
  std::atomic<int64_t> dropped{0};
  // Deliveries that were moved back to the store to make room for one of a higher priority.
  std::atomic<int64_t> priority_displaced{0};
  // How often a webhook had something to send and had to wait for its rate.
  std::atomic<int64_t> rate_limited{0};
  std::atomic<int64_t> breakers_opened{0};
  std::atomic<int64_t> breaker_probes{0};
  // Webhooks that the engine has suspended.
  std::atomic<int64_t> suspended_webhooks{0};
  // Operational events that were stored; and those that were not, because webhooks kept changing or
  // the store refused them.
  std::atomic<int64_t> operational_events{0};
  std::atomic<int64_t> operational_events_lost{0};
  // Current values: attempts in flight, bytes of deliveries waiting in memory.
  std::atomic<int64_t> in_flight{0};
  std::atomic<int64_t> ready_bytes{0};
  // Time from the commit of an event to the response to its first attempt, for deliveries that did
  // not have to wait in the store.
  LatencyHistogram commit_to_answer;
};

inline void Count(std::atomic<int64_t>& counter, int64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace latchwire
