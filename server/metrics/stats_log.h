// Counters in the log, for operators without a metrics collector; docs/operating.md says what each
// means.
#pragma once

#include "absl/time/time.h"
#include "core/base/executor.h"
#include "server/delivery/engine.h"
#include "server/state/writer.h"

namespace latchwire {

// Logs a line "stats" every `interval` if a counter has changed; never if `interval` is zero. All
// outlive the executor's last task.
void StartStatsLog(Executor* executor, const Engine* engine, const Writer* writer,
                   absl::Duration interval);

// Logs the totals of this run in one line, "work done".
void LogWorkDone(const EngineCounters& counters);

}  // namespace latchwire
