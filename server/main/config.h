// The server's settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/log.h"
#include "core/http/ip_address.h"
#include "core/http/listen_address.h"
#include "core/net/port_ranges.h"
#include "core/program/settings.h"

namespace latchwire {

inline constexpr absl::string_view kDefaultDataDir = "./latchwire-data";

struct ServerConfig {
  std::string data_dir{kDefaultDataDir};
  ListenAddress listen{"127.0.0.1", IpAddress::V4(0x7F000001), 50051};  // of the gRPC API
  std::optional<ListenAddress> metrics_listen;                          // unset: not served
  std::vector<IpNetwork> allow_networks;  // that webhooks may reach although they are not public
  std::vector<PortRange> allow_ports;     // empty: all
  bool reflection = true;
  LogLevel log_level = LogLevel::kInfo;
  std::string tls_certificate;  // PEM; empty: no TLS
  std::string tls_key;          // PEM
  std::string webhook_ca;       // PEM
  std::string dns_servers;      // empty: the system's
  int64_t read_threads = 4;
  int64_t max_queued_reads = 1024;
  absl::Duration drain_timeout = absl::Seconds(30);
  absl::Duration stats_interval = absl::Minutes(1);  // zero: never
};

// The settings, which Parse writes into `config`; it outlives them.
Settings ServerSettings(ServerConfig* config);

// Checks that span several settings, made after Parse.
absl::Status CheckServerConfig(const Settings& settings, const ServerConfig& config);

}  // namespace latchwire
