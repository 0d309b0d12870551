// The server's /metrics page; docs/operating.md lists the metrics.
#pragma once

#include <string>

#include "core/program/metrics_text.h"
#include "server/delivery/engine.h"
#include "server/jobs/janitor.h"
#include "server/metrics/write_watch.h"
#include "server/state/api_counters.h"
#include "server/state/configuration.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer.h"

namespace latchwire {

// The sources of the numbers. All are read on the thread that serves the page, and outlive it. A
// new source is one member here and one function in server_metrics.cc. Metrics of null sources are
// left out.
struct MetricsSources {
  const Engine* engine = nullptr;
  const Writer* writer = nullptr;
  const Configuration* configuration = nullptr;
  const StatsBoard* stats = nullptr;
  const ApiCounters* api = nullptr;
  const JanitorCounters* janitor = nullptr;
  const WriteCounters* writes = nullptr;
  const ThreadReadPool* reads = nullptr;
  std::string database_path = {};  // empty: none
};

std::string ServerMetrics(const MetricsSources& sources);

}  // namespace latchwire
