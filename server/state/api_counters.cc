#include "server/state/api_counters.h"

#include <string>

#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {

void ApiCounters::CountRefusal(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return;
  const std::string reason = ReasonOf(status);
  std::atomic<int64_t>* counter = nullptr;
  if (reason == error_reason::kQueueFull) {
    counter = &refused_queue_full;
  } else if (reason == error_reason::kOverloaded) {
    counter = &refused_overloaded;
  } else if (reason == error_reason::kQuotaExceeded) {
    const std::string quota = MetadataOf(status)["quota"];
    if (quota == "max_events_per_second") counter = &refused_events_per_second;
    if (quota == "max_stored_bytes") counter = &refused_stored_bytes;
    if (quota == "max_webhooks") counter = &refused_webhooks;
  }
  if (counter != nullptr) counter->fetch_add(1, std::memory_order_relaxed);
}

}  // namespace latchwire
