#include "server/metrics/server_metrics.h"

#include <atomic>
#include <filesystem>
#include <utility>

#include "core/base/crypto.h"
#include "core/base/version.h"
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

double Count(const std::atomic<int64_t>& value) {
  return static_cast<double>(value.load(std::memory_order_relaxed));
}

void AddEngineMetrics(const EngineCounters& counters, MetricsText* text) {
  text->Counter("latchwire_delivery_attempts_total", "Attempts to deliver that were begun.", {},
                Count(counters.attempts));
  const struct {
    const char* outcome;
    const std::atomic<int64_t>& value;
  } outcomes[] = {{"succeeded", counters.succeeded},
                  {"retried", counters.retried},
                  {"dead", counters.dead},
                  {"expired", counters.expired}};
  for (const auto& [outcome, value] : outcomes) {
    text->Counter("latchwire_delivery_outcomes_total",
                  "Outcomes of deliveries: succeeded, dead and expired are final, retried is not.",
                  {{"outcome", outcome}}, Count(value));
  }
  text->Counter("latchwire_delivery_fenced_outcomes_total",
                "Outcomes refused because another server had taken the webhook over.", {},
                Count(counters.fenced));
  text->Counter("latchwire_delivery_drops_total", "Deliveries dropped because a queue was full.",
                {}, Count(counters.dropped));
  text->Counter("latchwire_delivery_priority_displacements_total",
                "Deliveries that went back to the store to make room for more urgent ones.", {},
                Count(counters.priority_displaced));
  text->Counter("latchwire_delivery_rate_waits_total",
                "Times that a webhook had to wait for its rate limit.", {},
                Count(counters.rate_limited));
  text->Counter("latchwire_webhook_breaker_openings_total", "Times that a breaker opened.", {},
                Count(counters.breakers_opened));
  text->Counter("latchwire_webhook_breaker_probes_total",
                "Attempts let through half-open breakers.", {}, Count(counters.breaker_probes));
  text->Counter("latchwire_webhook_suspensions_total", "Webhooks that the server suspended.", {},
                Count(counters.suspended_webhooks));
  text->Counter("latchwire_operational_events_total", "Events about webhooks and deliveries.", {},
                Count(counters.operational_events));
  text->Counter("latchwire_operational_events_lost_total",
                "Events about webhooks and deliveries that could not be stored.", {},
                Count(counters.operational_events_lost));
  text->Gauge("latchwire_delivery_attempts_in_flight", "Attempts in flight.", {},
              Count(counters.in_flight));
  text->Gauge("latchwire_delivery_ready_bytes",
              "Bytes of deliveries waiting in memory; the rest waits in the store.", {},
              Count(counters.ready_bytes));
  text->Histogram("latchwire_delivery_commit_to_answer_seconds",
                  "From the commit of an event to a receiver's answer to its first attempt.", {},
                  counters.commit_to_answer.Read());
}

void AddConfigurationMetrics(const Configuration& configuration, MetricsText* text) {
  for (const auto& [name, state] : {std::pair("active", WebhookState::kActive),
                                    {"disabled", WebhookState::kDisabled},
                                    {"paused", WebhookState::kPaused},
                                    {"suspended", WebhookState::kSuspended}}) {
    text->Gauge("latchwire_webhooks", "Webhooks by their state.", {{"state", name}},
                static_cast<double>(configuration.CountWebhooks(state)));
  }
}

// A webhook's counts disappear with it, so sums over webhooks are not counters.
void AddStatsMetrics(const StatsBoard& stats, MetricsText* text) {
  const StatsBoard::Totals totals = stats.Sum();
  text->Gauge("latchwire_webhooks_failing", "Webhooks whose last attempt failed.", {},
              static_cast<double>(totals.webhooks_failing));
  for (const auto& [name, count] :
       {std::pair("open", totals.breakers_open), {"half_open", totals.breakers_half_open}}) {
    text->Gauge("latchwire_webhook_breakers", "Webhooks whose breaker is not closed.",
                {{"state", name}}, static_cast<double>(count));
  }
  text->Gauge("latchwire_webhooks_crowded",
              "Webhooks whose events come faster than their quick receivers can be served.", {},
              static_cast<double>(totals.webhooks_crowded));
  text->Gauge("latchwire_deliveries_pending",
              "Deliveries that are to be attempted, in memory or in the store.", {},
              static_cast<double>(totals.sums.pending));
  for (const auto& [name, count] : {std::pair("succeeded", totals.sums.succeeded),
                                    {"dead", totals.sums.dead},
                                    {"expired", totals.sums.expired},
                                    {"dropped", totals.sums.dropped}}) {
    text->Gauge("latchwire_deliveries_ended",
                "Deliveries by final state, of the existing webhooks, since each was created.",
                {{"state", name}}, static_cast<double>(count));
  }
}

void AddApiMetrics(const ApiCounters& counters, MetricsText* text) {
  const struct {
    const char* limit;
    const std::atomic<int64_t>& value;
  } refusals[] = {{"events_per_second", counters.refused_events_per_second},
                  {"stored_bytes", counters.refused_stored_bytes},
                  {"webhooks", counters.refused_webhooks},
                  {"queue_full", counters.refused_queue_full},
                  {"overloaded", counters.refused_overloaded}};
  for (const auto& [limit, value] : refusals) {
    text->Counter("latchwire_refusals_total",
                  "Calls that were refused because a limit was reached, by the limit.",
                  {{"limit", limit}}, Count(value));
  }
  text->Counter("latchwire_agent_holds_total",
                "Times that an agent's stream was held so that delivery could catch up.", {},
                Count(counters.agent_holds));
  text->Counter("latchwire_agent_waits_total", "Times that an agent was told to wait for a limit.",
                {}, Count(counters.agent_waits));
}

void AddJanitorMetrics(const JanitorCounters& counters, MetricsText* text) {
  text->Counter("latchwire_retention_deleted_events_total", "Events deleted for their age.", {},
                static_cast<double>(counters.deleted_events.load()));
  text->Counter("latchwire_retention_expired_deliveries_total",
                "Deliveries that expired while they waited, not when an attempt was due.", {},
                static_cast<double>(counters.expired_deliveries.load()));
  text->Gauge("latchwire_retention_held_events",
              "Events kept past their time, because deliveries of theirs are pending.", {},
              static_cast<double>(counters.held_events.load()));
}

void AddWriteMetrics(const WriteCounters& counters, MetricsText* text) {
  text->Counter("latchwire_store_commits_total", "Transactions that were made durable.", {},
                Count(counters.commits));
  text->Counter("latchwire_store_failed_commits_total",
                "Transactions that failed, of which nothing was stored.", {},
                Count(counters.failed_commits));
  text->Gauge("latchwire_store_writable", "1, or 0 if the last transaction failed.", {},
              counters.failing ? 0 : 1);
}

void AddReadMetrics(const ThreadReadPool& reads, MetricsText* text) {
  text->Gauge("latchwire_reads_queued", "Reads of the store waiting for a thread.", {},
              static_cast<double>(reads.queued_count()));
}

void AddDatabaseMetrics(const std::string& path, MetricsText* text) {
  for (const auto& [file, suffix] : {std::pair("main", ""), {"log", "-wal"}}) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path + suffix, error);
    text->Gauge("latchwire_database_bytes", "Size of the database's files.", {{"file", file}},
                error ? 0 : static_cast<double>(bytes));
  }
}

}  // namespace

std::string ServerMetrics(const MetricsSources& sources) {
  MetricsText text;
  AddProcessMetrics(&text);
  if (sources.engine != nullptr) AddEngineMetrics(sources.engine->counters(), &text);
  if (sources.writer != nullptr) AddWriterMetrics(*sources.writer, &text);
  if (sources.configuration != nullptr) AddConfigurationMetrics(*sources.configuration, &text);
  if (sources.stats != nullptr) AddStatsMetrics(*sources.stats, &text);
  if (sources.api != nullptr) AddApiMetrics(*sources.api, &text);
  if (sources.janitor != nullptr) AddJanitorMetrics(*sources.janitor, &text);
  if (sources.writes != nullptr) AddWriteMetrics(*sources.writes, &text);
  if (sources.reads != nullptr) AddReadMetrics(*sources.reads, &text);
  if (!sources.database_path.empty()) AddDatabaseMetrics(sources.database_path, &text);
  return text.ToString();
}

}  // namespace latchwire
