#include "server/metrics/stats_log.h"

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "core/base/log.h"

namespace latchwire {
namespace {

struct Stats {
  int64_t attempts, succeeded, retried, dead, expired, fenced, in_flight, ready_bytes;
  size_t queued_write_bytes;
  std::string latency_p50_ms, latency_p99_ms;

  friend bool operator==(const Stats&, const Stats&) = default;
};

Stats ReadStats(const Engine& engine, const Writer& writer) {
  const EngineCounters& counters = engine.counters();
  const LatencyHistogram::Snapshot latency = counters.commit_to_answer.Read();
  const auto quantile = [&](double q) {
    return absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(latency.Quantile(q)));
  };
  return {counters.attempts,     counters.succeeded, counters.retried,   counters.dead,
          counters.expired,      counters.fenced,    counters.in_flight, counters.ready_bytes,
          writer.queued_bytes(), quantile(0.5),      quantile(0.99)};
}

void LogStats(const Stats& stats) {
  Log(LogLevel::kInfo, "stats",
      {{"attempts", stats.attempts},
       {"succeeded", stats.succeeded},
       {"retried", stats.retried},
       {"dead", stats.dead},
       {"expired", stats.expired},
       {"fenced", stats.fenced},
       {"in_flight", stats.in_flight},
       {"ready_bytes", stats.ready_bytes},
       {"queued_write_bytes", stats.queued_write_bytes},
       {"latency_p50_ms", stats.latency_p50_ms},
       {"latency_p99_ms", stats.latency_p99_ms}});
}

void LogLater(Executor* executor, const Engine* engine, const Writer* writer,
              absl::Duration interval, Stats last) {
  executor->PostAfter(interval, [=, last = std::move(last)] {
    Stats stats = ReadStats(*engine, *writer);
    if (stats != last) LogStats(stats);
    LogLater(executor, engine, writer, interval, std::move(stats));
  });
}

}  // namespace

void StartStatsLog(Executor* executor, const Engine* engine, const Writer* writer,
                   absl::Duration interval) {
  if (interval > absl::ZeroDuration()) {
    LogLater(executor, engine, writer, interval, ReadStats(*engine, *writer));
  }
}

void LogWorkDone(const EngineCounters& counters) {
  const LatencyHistogram::Snapshot latency = counters.commit_to_answer.Read();
  const auto quantile = [&](double q) {
    return absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(latency.Quantile(q)));
  };
  Log(LogLevel::kInfo, "work done",
      {{"attempts", counters.attempts.load()},
       {"succeeded", counters.succeeded.load()},
       {"retried", counters.retried.load()},
       {"dead", counters.dead.load()},
       {"expired", counters.expired.load()},
       {"commit_to_answer_p50_ms", quantile(0.5)},
       {"commit_to_answer_p99_ms", quantile(0.99)}});
}

}  // namespace latchwire
