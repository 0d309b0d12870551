// The pages of --metrics_listen: /metrics, /healthz and /readyz.
#pragma once

#include "core/net/http_pages.h"
#include "server/metrics/server_health.h"
#include "server/metrics/server_metrics.h"

namespace latchwire {

// /metrics is Prometheus' text, /readyz what ServerHealth says, with its HTTP status, and /healthz
// 200 as long as the process answers at all. What the sources name outlives the pages.
HttpPages::Pages ServerPages(const MetricsSources& metrics, const HealthSources& health);

}  // namespace latchwire
