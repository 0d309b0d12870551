#include "server/metrics/server_pages.h"

#include <string>

namespace latchwire {
namespace {

HttpResponse HealthPage(const Health& health) {
  return {health.HttpStatus(), std::string(Health::kContentType), {}, health.ToJson()};
}

}  // namespace

HttpPages::Pages ServerPages(const MetricsSources& metrics, const HealthSources& health) {
  return {{"/metrics",
           [metrics] {
             return HttpResponse{
                 200, std::string(MetricsText::kContentType), {}, ServerMetrics(metrics)};
           }},
          {"/healthz", [] { return HealthPage(Health()); }},
          {"/readyz", [health] { return HealthPage(ServerHealth(health)); }}};
}

}  // namespace latchwire
