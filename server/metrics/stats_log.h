// One line of counters every now and then; docs/operating.md says what each means.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "core/base/executor.h"
#include "server/delivery/engine.h"
#include "server/state/writer.h"

namespace latchwire {

std::string StatsLine(const Engine& engine, const Writer& writer);

// Logs the line every `interval` when it has changed; never when `interval` is zero. All outlive
// the executor's last task.
void StartStatsLog(Executor* executor, const Engine* engine, const Writer* writer,
                   absl::Duration interval);

}  // namespace latchwire
