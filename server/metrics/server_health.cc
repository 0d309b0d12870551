#include "server/metrics/server_health.h"

namespace latchwire {

Health ServerHealth(const HealthSources& sources) {
  Health health;
  if (*sources.draining) health.Add(HealthStatus::kRefusing, "SHUTTING_DOWN");
  if (sources.writes->failing) health.Add(HealthStatus::kRefusing, "STORE_UNAVAILABLE");
  if (sources.writer->IsFull()) health.Add(HealthStatus::kRefusing, "OVERLOADED");
  if (sources.reads->IsFull()) health.Add(HealthStatus::kDegraded, "READS_OVERLOADED");
  return health;
}

}  // namespace latchwire
