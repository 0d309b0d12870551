// The agent's settings: defaults, then the configuration file, then flags.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/dialects/dialect.h"

namespace latchwire::edge {

struct AgentConfig {
  std::string agent;                      // the name that the key is bound to
  std::string listen = "127.0.0.1:8090";  // address:port for devices; port 0: any free one
  std::string server = "127.0.0.1:50051";
  std::string key_file;                // holds `<id>.<secret>`
  bool tls = false;                    // to the server
  std::string root_certificates_file;  // PEM; empty: the system's
  std::string spool_directory;
  uint64_t spool_max_bytes = 256 * 1024 * 1024;
  uint64_t spool_segment_bytes = 4 * 1024 * 1024;
  int64_t max_backoff_ms = 30'000;
  std::string log_level = "info";  // debug, info, warn, error
  IntakeConfig intake;
};

// Reads TOML over `config`. Errors name the key, its line and what it may be; unknown keys are
// errors. `name` is the file's, for messages.
absl::Status ReadConfig(absl::string_view toml, absl::string_view name, AgentConfig* config);

// What is missing or impossible, naming key and value.
absl::Status CheckConfig(const AgentConfig& config);

struct ListenAddress {
  std::string host;
  uint16_t port = 0;
};
// `127.0.0.1:8090` or `[::1]:8090`.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// A file's text without the white space around it.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace latchwire::edge
