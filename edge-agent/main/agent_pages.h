// The pages by which machines and installers of devices see how the agent is doing: /healthz,
// /readyz, /status, /metrics. docs/agent.md describes them for users. They show no secrets: anyone
// who can reach the port may read them.
#pragma once

#include <string>
#include <vector>

#include "core/program/health.h"
#include "edge-agent/main/spool_sink.h"
#include "edge-agent/sources/intake.h"
#include "edge-agent/sources/refusal_log.h"
#include "edge-agent/sources/source.h"
#include "edge-agent/spool/spool.h"
#include "edge-agent/uplink/uplink.h"

namespace latchwire::edge {

struct SourceReport {
  std::string name;
  std::string address;
  SourceStats stats;
};

// A snapshot of the agent's state.
struct AgentReport {
  StoreCondition store = StoreCondition::kTaking;
  uint64_t spool_max_bytes = 0;
  SpoolStats spool;
  UplinkStats uplink;
  std::vector<SourceReport> sources;
  std::vector<IntakeFamilyStats> families;
  std::vector<RefusalCount> refusals;
  std::vector<Refusal> last_refusals;  // newest first
};

// Refusing: SPOOL_FULL, STORE_UNAVAILABLE. Degraded: STORE_UNAVAILABLE (some time ago, and not tried
// since), SPOOL_NEARLY_FULL (over 90 %), SERVER_UNREACHABLE or the reason that the server gave,
// OVERLOADED (it refused the last batch), EVENTS_REJECTED (since the start).
Health JudgeHealth(const AgentReport& report);

// `{"status":"ok","connected":true,"held_events":0,...}`: that the process lives, and its counters.
std::string HealthzPage(const AgentReport& report);
// The members of both pages above, the stream's last error, sources, families, refusals by family
// and reason, and the last refusals.
std::string StatusPage(const AgentReport& report);
// In Prometheus' text format.
std::string MetricsPage(const AgentReport& report);

}  // namespace latchwire::edge
