#include "server/main/server_metrics.h"

#include "core/base/crypto.h"
#include "core/formats/format.h"

namespace latchwire {
namespace {

void AddProcessMetrics(MetricsText* text) {
  text->Gauge("latchwire_build_info", "Always 1; the labels say what runs.",
              {{"version", LatchwireVersion()}, {"crypto", CryptoLibraryVersion()}}, 1);
}

void AddWriterMetrics(const Writer& writer, MetricsText* text) {
  text->Gauge("latchwire_writer_queued_bytes", "Writes that wait for the disk.", {},
              static_cast<double>(writer.queued_bytes()));
}

}  // namespace

void AddEngineMetrics(const EngineCounters& counters, MetricsText* text) {
  const auto count = [](const std::atomic<int64_t>& value) {
    return static_cast<double>(value.load(std::memory_order_relaxed));
  };
  text->Counter("latchwire_delivery_attempts_total", "Attempts to deliver that were begun.", {},
                count(counters.attempts));
  const struct {
    const char* outcome;
    const std::atomic<int64_t>& value;
  } outcomes[] = {{"succeeded", counters.succeeded},
                  {"retried", counters.retried},
                  {"dead", counters.dead},
                  {"expired", counters.expired}};
  for (const auto& [outcome, value] : outcomes) {
    text->Counter("latchwire_delivery_outcomes_total",
                  "What came of deliveries: succeeded, dead and expired are final, retried is not.",
                  {{"outcome", outcome}}, count(value));
  }
  text->Counter("latchwire_delivery_fenced_outcomes_total",
                "Outcomes refused because another server had taken the webhook over.", {},
                count(counters.fenced));
  text->Gauge("latchwire_delivery_attempts_in_flight", "Attempts under way.", {},
              count(counters.in_flight));
  text->Gauge("latchwire_delivery_ready_bytes",
              "Deliveries that wait in memory; the rest waits in the store.", {},
              count(counters.ready_bytes));
  text->Histogram("latchwire_delivery_commit_to_answer_seconds",
                  "From the commit of an event to a receiver's answer to its first attempt.", {},
                  counters.commit_to_answer.Read());
}

std::string ServerMetrics(const MetricsSources& sources) {
  MetricsText text;
  AddProcessMetrics(&text);
  AddEngineMetrics(sources.engine->counters(), &text);
  AddWriterMetrics(*sources.writer, &text);
  return text.ToString();
}

}  // namespace latchwire
