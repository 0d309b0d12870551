// What /metrics says about the server; docs/operating.md lists it.
#pragma once

#include <string>

#include "server/delivery/engine.h"
#include "server/metrics/metrics_text.h"
#include "server/store/writer.h"

namespace latchwire {

// Where the numbers come from. All are read from the thread that serves the page, and outlive it.
// A new source is one member here and one function in server_metrics.cc.
struct MetricsSources {
  const Engine* engine;
  const Writer* writer;
};

std::string ServerMetrics(const MetricsSources& sources);

// Its part that needs no whole engine.
void AddEngineMetrics(const EngineCounters& counters, MetricsText* text);

}  // namespace latchwire
