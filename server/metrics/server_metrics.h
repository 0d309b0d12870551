// What /metrics says about the server; docs/operating.md lists it.
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

// Where the numbers come from. All are read from the thread that serves the page, and outlive it.
// A new source is one member here and one function in server_metrics.cc. Metrics of a source that
// is null are left out.
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
