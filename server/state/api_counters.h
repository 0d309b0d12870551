// What the API counts of itself, since the start.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"

namespace latchwire {

// Readable from any thread; see docs/operating.md.
struct ApiCounters {
  // What publishers and admins were refused, by the limit that was reached.
  std::atomic<int64_t> refused_events_per_second{0};
  std::atomic<int64_t> refused_stored_bytes{0};
  std::atomic<int64_t> refused_webhooks{0};
  std::atomic<int64_t> refused_queue_full{0};
  std::atomic<int64_t> refused_overloaded{0};
  // How often agents were made to wait by any of them.
  std::atomic<int64_t> agent_waits{0};
  // How often a stream was held for a moment, so that delivery catches up.
  std::atomic<int64_t> agent_holds{0};

  // Counts `status` if it says that a limit was reached; all others are ignored.
  void CountRefusal(const absl::Status& status);
  void CountAgentWait() { agent_waits.fetch_add(1, std::memory_order_relaxed); }
};

}  // namespace latchwire
