#include "edge-agent/main/agent_pages.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/crypto.h"
#include "core/base/error_reason.h"
#include "core/base/version.h"
#include "core/json/json_string.h"
#include "core/program/metrics_text.h"

namespace latchwire::edge {
namespace {

constexpr double kNearlyFull = 0.9;

// Of all families and reasons.
struct Totals {
  uint64_t accepted_events = 0;
  uint64_t repeated_events = 0;
  uint64_t refused_requests = 0;
};

Totals TotalsOf(const AgentReport& report) {
  Totals totals;
  for (const IntakeFamilyStats& family : report.families) {
    totals.accepted_events += family.accepted_events;
    totals.repeated_events += family.repeated_events;
  }
  for (const RefusalCount& refusal : report.refusals) totals.refused_requests += refusal.count;
  return totals;
}

std::string Member(absl::string_view name, uint64_t value) {
  return absl::StrCat(JsonQuote(name), ":", value);
}
std::string Member(absl::string_view name, const std::string& value) {
  return absl::StrCat(JsonQuote(name), ":", JsonQuote(value));
}

// Without braces: the members that /healthz and /status share.
std::string CounterMembers(const AgentReport& report) {
  const Totals totals = TotalsOf(report);
  return absl::StrCat("\"connected\":", report.uplink.connected ? "true" : "false", ",",
                      absl::StrJoin({Member("held_events", report.spool.held_records),
                                     Member("spool_bytes", report.spool.bytes),
                                     Member("spool_max_bytes", report.spool_max_bytes),
                                     Member("accepted_events", totals.accepted_events),
                                     Member("repeated_events", totals.repeated_events),
                                     Member("acked_events", report.uplink.acked_events),
                                     Member("rejected_events", report.uplink.rejected_events),
                                     Member("dropped_events", report.uplink.dropped_events),
                                     Member("refused_requests", totals.refused_requests)},
                                    ","));
}

template <typename Items, typename Format>
std::string JsonArray(const Items& items, Format format) {
  return absl::StrCat("[",
                      absl::StrJoin(items, ",",
                                    [&](std::string* out, const auto& item) {
                                      absl::StrAppend(out, "{", format(item), "}");
                                    }),
                      "]");
}

std::string RefusalMembers(const Refusal& refusal) {
  return absl::StrJoin(
      {Member("time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", refusal.time, absl::UTCTimeZone())),
       Member("peer", refusal.peer), Member("method", refusal.method), Member("path", refusal.path),
       Member("query", refusal.query), Member("family", refusal.family),
       Member("status", static_cast<uint64_t>(refusal.status)), Member("reason", refusal.reason),
       Member("nearest", refusal.nearest)},
      ",");
}

double Number(uint64_t value) { return static_cast<double>(value); }

void AddIntakeMetrics(const AgentReport& report, MetricsText* text) {
  for (const IntakeFamilyStats& family : report.families) {
    text->Counter("latchwire_agent_accepted_events_total",
                  "Events of devices that were made durable.", {{"family", family.family}},
                  Number(family.accepted_events));
    text->Counter("latchwire_agent_repeated_events_total",
                  "Events that a device sent again, answered and not taken again.",
                  {{"family", family.family}}, Number(family.repeated_events));
  }
  for (const RefusalCount& refusal : report.refusals) {
    text->Counter("latchwire_agent_refused_requests_total",
                  "Requests of devices that were refused; family is empty if the path fits none.",
                  {{"family", refusal.family}, {"reason", refusal.reason}}, Number(refusal.count));
  }
  for (const SourceReport& source : report.sources) {
    text->Counter("latchwire_agent_source_messages_total",
                  "Messages of devices that came, taken in or refused.", {{"source", source.name}},
                  Number(source.stats.messages));
  }
}

void AddSpoolMetrics(const AgentReport& report, MetricsText* text) {
  const SpoolStats& spool = report.spool;
  text->Gauge("latchwire_agent_spool_held_events", "Events that the server has not acked.", {},
              Number(spool.held_records));
  text->Gauge("latchwire_agent_spool_bytes", "Bytes of the spool's segments.", {},
              Number(spool.bytes));
  text->Gauge("latchwire_agent_spool_max_bytes", "Limit of the spool's size in bytes.", {},
              Number(report.spool_max_bytes));
  text->Counter("latchwire_agent_spool_refused_appends_total",
                "Appends refused because the spool, its queue or the disk was full.", {},
                Number(spool.refused_appends));
  text->Counter("latchwire_agent_spool_failed_appends_total",
                "Appends that failed because the disk did.", {}, Number(spool.failed_appends));
  text->Counter("latchwire_agent_spool_damaged_places_total",
                "Places in the spool's files that could not be read.", {},
                Number(spool.damaged_places));
}

void AddUplinkMetrics(const UplinkStats& uplink, MetricsText* text) {
  text->Gauge("latchwire_agent_connected", "1 while the server takes events, otherwise 0.", {},
              uplink.connected ? 1 : 0);
  text->Counter("latchwire_agent_connects_total", "Streams to the server that were opened.", {},
                Number(uplink.connects));
  text->Counter("latchwire_agent_sent_events_total",
                "Events sent to the server, counted each time.", {}, Number(uplink.sent_events));
  text->Counter("latchwire_agent_acked_events_total", "Events that the server has acked.", {},
                Number(uplink.acked_events));
  text->Counter("latchwire_agent_rejected_events_total",
                "Events that the server will never take; they are in rejected.log.", {},
                Number(uplink.rejected_events));
  text->Counter("latchwire_agent_dropped_events_total",
                "Numbers reported to the server as never to come.", {},
                Number(uplink.dropped_events));
  text->Counter("latchwire_agent_renumbered_events_total",
                "Events that got new numbers because a copy of the spool used theirs.", {},
                Number(uplink.rescued_events));
}

}  // namespace

Health JudgeHealth(const AgentReport& report) {
  Health health;
  switch (report.store) {
    case StoreCondition::kTaking:
      break;
    case StoreCondition::kDoubtful:
      health.Add(HealthStatus::kDegraded, error_reason::kStoreUnavailable);
      break;
    case StoreCondition::kFull:
      health.Add(HealthStatus::kRefusing, "SPOOL_FULL");
      break;
    case StoreCondition::kFailing:
      health.Add(HealthStatus::kRefusing, error_reason::kStoreUnavailable);
      break;
  }
  if (report.store != StoreCondition::kFull &&
      Number(report.spool.bytes) > kNearlyFull * Number(report.spool_max_bytes)) {
    health.Add(HealthStatus::kDegraded, "SPOOL_NEARLY_FULL");
  }
  if (!report.uplink.connected) {
    health.Add(HealthStatus::kDegraded, report.uplink.error_reason.empty()
                                            ? error_reason::kServerUnreachable
                                            : absl::string_view(report.uplink.error_reason));
  } else if (report.uplink.told_to_wait) {
    health.Add(HealthStatus::kDegraded, error_reason::kOverloaded);
  }
  if (report.uplink.rejected_events > 0) health.Add(HealthStatus::kDegraded, "EVENTS_REJECTED");
  return health;
}

std::string HealthzPage(const AgentReport& report) {
  return absl::StrCat("{\"status\":\"ok\",", CounterMembers(report), "}\n");
}

std::string StatusPage(const AgentReport& report) {
  const Health health = JudgeHealth(report);
  const std::string reasons = absl::StrJoin(
      health.reasons(), ",",
      [](std::string* out, const std::string& reason) { out->append(JsonQuote(reason)); });
  return absl::StrCat(
      "{", Member("status", std::string(HealthStatusName(health.status()))), ",\"reasons\":[",
      reasons, "],", Member("version", std::string(LatchwireVersion())), ",",
      CounterMembers(report), ",", Member("server_error", report.uplink.error), ",\"sources\":",
      JsonArray(report.sources,
                [](const SourceReport& source) {
                  return absl::StrJoin(
                      {Member("name", source.name), Member("address", source.address),
                       Member("messages", source.stats.messages),
                       Member("refused_messages", source.stats.refused_messages)},
                      ",");
                }),
      ",\"families\":",
      JsonArray(report.families,
                [](const IntakeFamilyStats& family) {
                  return absl::StrJoin({Member("family", std::string(family.family)),
                                        Member("accepted_events", family.accepted_events),
                                        Member("repeated_events", family.repeated_events)},
                                       ",");
                }),
      ",\"refusals\":",
      JsonArray(report.refusals,
                [](const RefusalCount& refusal) {
                  return absl::StrJoin(
                      {Member("family", refusal.family), Member("reason", refusal.reason),
                       Member("count", refusal.count)},
                      ",");
                }),
      ",\"last_refusals\":", JsonArray(report.last_refusals, RefusalMembers), "}\n");
}

std::string MetricsPage(const AgentReport& report) {
  MetricsText text;
  text.Gauge("latchwire_build_info", "Always 1; the labels say what runs.",
             {{"version", LatchwireVersion()}, {"crypto", CryptoLibraryVersion()}}, 1);
  const HealthStatus status = JudgeHealth(report).status();
  text.Gauge("latchwire_agent_ready", "1 while /readyz is 200, otherwise 0.", {},
             status == HealthStatus::kRefusing ? 0 : 1);
  AddIntakeMetrics(report, &text);
  AddSpoolMetrics(report, &text);
  AddUplinkMetrics(report.uplink, &text);
  return text.ToString();
}

}  // namespace latchwire::edge
