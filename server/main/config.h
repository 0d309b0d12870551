// What an operator can set, by flags or by a TOML file, and its checks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/log.h"
#include "core/http/ip_address.h"
#include "core/net/port_ranges.h"

namespace latchwire {

struct ServerConfig {
  std::string data_dir;
  std::string listen;
  std::string metrics_listen;  // empty: no metrics
  std::vector<IpNetwork> allow_networks;
  std::vector<PortRange> allow_ports;  // empty: all
  bool reflection = true;
  LogLevel log_level = LogLevel::kInfo;
  std::string tls_certificate;  // PEM; empty: no TLS
  std::string tls_key;          // PEM
  std::string webhook_ca;       // PEM
  std::string dns_servers;
  int read_threads = 0;
  int max_queued_reads = 0;
  absl::Duration drain_timeout;
  absl::Duration stats_interval;  // zero: never
};

// Reads the flags, with the file of --config below them: a flag on the command line wins over the
// file's key of the same name. Returns the checked configuration; every error names the flag or key
// and its value. Ends the program for --help, --version and flags that absl cannot parse.
absl::StatusOr<ServerConfig> ParseConfig(int argc, char** argv);

// The keys and values of a TOML file, in the words that a flag of that name takes. Only keys that
// `is_known`; arrays become comma-separated lists.
using ConfigEntries = std::vector<std::pair<std::string, std::string>>;
absl::StatusOr<ConfigEntries> ParseConfigText(absl::string_view text, absl::string_view file_name,
                                              bool (*is_known)(absl::string_view key));

// `host:port` or `[v6]:port`.
absl::Status CheckListen(absl::string_view flag, absl::string_view value);

}  // namespace latchwire
