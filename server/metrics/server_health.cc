#include "server/metrics/server_health.h"

#include "core/base/error_reason.h"

namespace latchwire {

Health ServerHealth(const HealthSources& sources) {
  Health health;
  if (*sources.draining) health.Add(HealthStatus::kRefusing, error_reason::kShuttingDown);
  if (sources.writes->failing) health.Add(HealthStatus::kRefusing, error_reason::kStoreUnavailable);
  if (sources.writer->IsFull()) health.Add(HealthStatus::kRefusing, error_reason::kOverloaded);
  if (sources.reads->IsFull()) health.Add(HealthStatus::kDegraded, "READS_OVERLOADED");
  return health;
}

}  // namespace latchwire
