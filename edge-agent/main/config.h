// The agent's settings.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "core/base/log.h"
#include "core/http/listen_address.h"
#include "core/program/settings.h"
#include "edge-agent/sources/intake.h"

namespace latchwire::edge {

struct AgentConfig {
  std::string agent;                                                   // the key is bound to it
  ListenAddress listen{"127.0.0.1", IpAddress::V4(0x7F000001), 8090};  // for devices
  std::string listen_port_file;  // gets the port that was bound; empty: none
  std::string server = "127.0.0.1:50051";
  std::string key;                // `<id>.<secret>`
  bool tls = false;               // to the server
  std::string root_certificates;  // PEM; empty: the system's
  std::string spool_directory;
  int64_t spool_max_bytes = 256 * 1024 * 1024;
  int64_t spool_segment_bytes = 4 * 1024 * 1024;
  int64_t max_backoff_ms = 30'000;
  LogLevel log_level = LogLevel::kInfo;
  IntakeConfig intake;
};

// The settings, which Parse writes into `config`; it outlives them.
Settings AgentSettings(AgentConfig* config);

// Checks after Parse that nothing required is missing.
absl::Status CheckAgentConfig(const Settings& settings, const AgentConfig& config);

}  // namespace latchwire::edge
