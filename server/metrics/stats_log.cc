#include "server/metrics/stats_log.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_format.h"

namespace latchwire {
namespace {

void LogLater(Executor* executor, const Engine* engine, const Writer* writer,
              absl::Duration interval, std::string last) {
  executor->PostAfter(interval, [=, last = std::move(last)] {
    std::string line = StatsLine(*engine, *writer);
    if (line != last) spdlog::info(line);
    LogLater(executor, engine, writer, interval, std::move(line));
  });
}

}  // namespace

std::string StatsLine(const Engine& engine, const Writer& writer) {
  const EngineCounters& counters = engine.counters();
  const LatencyHistogram::Snapshot latency = counters.commit_to_answer.Read();
  return absl::StrFormat(
      "msg=stats attempts=%d succeeded=%d retried=%d dead=%d expired=%d fenced=%d in_flight=%d "
      "ready_bytes=%d queued_write_bytes=%d latency_p50_ms=%.1f latency_p99_ms=%.1f",
      counters.attempts.load(), counters.succeeded.load(), counters.retried.load(),
      counters.dead.load(), counters.expired.load(), counters.fenced.load(),
      counters.in_flight.load(), counters.ready_bytes.load(), writer.queued_bytes(),
      absl::ToDoubleMilliseconds(latency.Quantile(0.5)),
      absl::ToDoubleMilliseconds(latency.Quantile(0.99)));
}

void StartStatsLog(Executor* executor, const Engine* engine, const Writer* writer,
                   absl::Duration interval) {
  if (interval > absl::ZeroDuration()) {
    LogLater(executor, engine, writer, interval, StatsLine(*engine, *writer));
  }
}

}  // namespace latchwire
