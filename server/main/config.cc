#include "server/main/config.h"

#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/crypto.h"
#include "core/base/version.h"
#include "core/formats/format.h"
#include "core/program/logging.h"

ABSL_FLAG(std::string, config, "", "TOML file whose keys are the names of these flags");
ABSL_FLAG(std::string, data_dir, "./latchwire-data",
          "Folder of the database, the admin key and the lock; created when there is none");
ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "Address and port of the gRPC API; port 0 takes a free one");
ABSL_FLAG(std::string, metrics_listen, "",
          "IP address and port of /metrics for Prometheus, such as 127.0.0.1:9464; it asks for no "
          "key, so keep it to networks that you trust. Empty: not served");
ABSL_FLAG(std::string, allow_networks, "",
          "Networks that webhooks may reach although they are not public, such as "
          "127.0.0.0/8,10.1.0.0/16; none by default");
ABSL_FLAG(std::string, allow_ports, "",
          "The only ports that webhooks may reach, such as 80,443,8000-8999; empty means all");
ABSL_FLAG(bool, reflection, true, "Serve gRPC reflection, which grpcurl uses; it needs no key");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warn or error");
ABSL_FLAG(std::string, tls_certificate_file, "",
          "PEM file of the API's certificate chain; with --tls_key_file the API speaks TLS");
ABSL_FLAG(std::string, tls_key_file, "", "PEM file of the certificate's private key");
ABSL_FLAG(std::string, webhook_ca_file, "",
          "PEM file of further certificate authorities to trust in webhook receivers");
ABSL_FLAG(std::string, dns_servers, "",
          "Name servers for webhook URLs, such as 192.0.2.1:53; empty means the system's");
ABSL_FLAG(int, read_threads, 4, "Reads of the store that run at the same time: 1 to 64");
ABSL_FLAG(int, max_queued_reads, 1024, "Reads that wait; beyond it calls get OVERLOADED");
ABSL_FLAG(absl::Duration, stats_interval, absl::Minutes(1),
          "How often to log the counters, when they changed; 0 means never");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(30),
          "How long calls and attempts under way may take to end after SIGTERM");

namespace latchwire {
namespace {

constexpr absl::string_view kFlags[] = {
    "config",          "data_dir",    "listen",       "metrics_listen",       "allow_networks",
    "allow_ports",     "reflection",  "log_level",    "tls_certificate_file", "tls_key_file",
    "webhook_ca_file", "dns_servers", "read_threads", "max_queued_reads",     "drain_timeout",
    "stats_interval"};

bool IsKey(absl::string_view name) {
  return name != "config" && absl::c_linear_search(kFlags, name);
}

absl::Status Wrong(absl::string_view flag, absl::string_view value, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(flag, " = \"", value, "\": ", why));
}

absl::StatusOr<std::string> ReadFile(absl::string_view flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return Wrong(flag, path, "the file cannot be read");
  return text.str();
}

// --config of the command line: the file has to be applied below the flags, so before they are
// parsed.
std::string FindConfigFlag(int argc, char** argv) {
  std::string found;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--") break;
    if (!absl::ConsumePrefix(&argument, "--") && !absl::ConsumePrefix(&argument, "-")) continue;
    if (absl::ConsumePrefix(&argument, "config=")) {
      found = std::string(argument);
    } else if (argument == "config" && i + 1 < argc) {
      found = argv[i + 1];
    }
  }
  return found;
}

absl::Status ApplyConfigFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile("config", path);
  if (!text.ok()) return text.status();
  const absl::StatusOr<ConfigEntries> entries = ParseConfigText(*text, path, &IsKey);
  if (!entries.ok()) return entries.status();
  for (const auto& [key, value] : *entries) {
    std::string error;
    if (!absl::FindCommandLineFlag(key)->ParseFrom(value, &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", key, " = \"", value, "\" cannot be read: ", error));
    }
  }
  return absl::OkStatus();
}

void SetUpUsage() {
  absl::SetProgramUsageMessage(
      "Stores events and delivers them as webhooks.\n\n"
      "  latchwire-server --data_dir=/var/lib/latchwire --listen=127.0.0.1:50051\n"
      "  latchwire-server backup --data_dir=/var/lib/latchwire --to=FILE\n"
      "  latchwire-server restore --from=FILE --data_dir=NEW_FOLDER");
  absl::FlagsUsageConfig usage;
  const auto ours = [](absl::string_view file) { return absl::StrContains(file, "server/main/"); };
  usage.contains_helpshort_flags = ours;
  usage.contains_help_flags = ours;
  usage.contains_helppackage_flags = ours;
  usage.version_string = [] {
    return absl::StrCat("latchwire-server ", LatchwireVersion(), " (", CryptoLibraryVersion(),
                        ")\n");
  };
  absl::SetFlagsUsageConfig(usage);
}

absl::Status CheckRange(absl::string_view flag, int value, int min, int max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return Wrong(flag, absl::StrCat(value), absl::StrCat("must be ", min, " to ", max));
}

absl::Status TakeTls(ServerConfig* config) {
  const std::string certificate = absl::GetFlag(FLAGS_tls_certificate_file);
  const std::string key = absl::GetFlag(FLAGS_tls_key_file);
  if (certificate.empty() && key.empty()) return absl::OkStatus();
  if (certificate.empty()) return Wrong("tls_key_file", key, "tls_certificate_file is missing");
  if (key.empty()) return Wrong("tls_certificate_file", certificate, "tls_key_file is missing");
  absl::StatusOr<std::string> certificate_text = ReadFile("tls_certificate_file", certificate);
  if (!certificate_text.ok()) return certificate_text.status();
  absl::StatusOr<std::string> key_text = ReadFile("tls_key_file", key);
  if (!key_text.ok()) return key_text.status();
  config->tls_certificate = *std::move(certificate_text);
  config->tls_key = *std::move(key_text);
  return absl::OkStatus();
}

absl::StatusOr<ServerConfig> TakeFlags() {
  ServerConfig config;
  config.data_dir = absl::GetFlag(FLAGS_data_dir);
  if (config.data_dir.empty()) return Wrong("data_dir", "", "must not be empty");
  config.listen = absl::GetFlag(FLAGS_listen);
  if (absl::Status status = CheckListen("listen", config.listen); !status.ok()) return status;
  config.metrics_listen = absl::GetFlag(FLAGS_metrics_listen);
  if (!config.metrics_listen.empty()) {
    if (auto status = CheckListen("metrics_listen", config.metrics_listen); !status.ok()) {
      return status;
    }
  }
  const std::string networks = absl::GetFlag(FLAGS_allow_networks);
  absl::StatusOr<std::vector<IpNetwork>> parsed = ParseIpNetworks(networks);
  if (!parsed.ok()) return Wrong("allow_networks", networks, parsed.status().message());
  config.allow_networks = *std::move(parsed);
  const std::string ports = absl::GetFlag(FLAGS_allow_ports);
  absl::StatusOr<std::vector<PortRange>> port_ranges = ParsePortRanges(ports);
  if (!port_ranges.ok()) return Wrong("allow_ports", ports, port_ranges.status().message());
  config.allow_ports = *std::move(port_ranges);
  config.reflection = absl::GetFlag(FLAGS_reflection);
  const std::string log_level = absl::GetFlag(FLAGS_log_level);
  if (!ParseLogLevel(log_level, &config.log_level)) {
    return Wrong("log_level", log_level, "must be debug, info, warn or error");
  }
  if (absl::Status status = TakeTls(&config); !status.ok()) return status;
  if (const std::string path = absl::GetFlag(FLAGS_webhook_ca_file); !path.empty()) {
    absl::StatusOr<std::string> text = ReadFile("webhook_ca_file", path);
    if (!text.ok()) return text.status();
    config.webhook_ca = *std::move(text);
  }
  config.dns_servers = absl::GetFlag(FLAGS_dns_servers);
  config.read_threads = absl::GetFlag(FLAGS_read_threads);
  if (auto status = CheckRange("read_threads", config.read_threads, 1, 64); !status.ok()) {
    return status;
  }
  config.max_queued_reads = absl::GetFlag(FLAGS_max_queued_reads);
  if (auto status = CheckRange("max_queued_reads", config.max_queued_reads, 1, 1'000'000);
      !status.ok()) {
    return status;
  }
  config.drain_timeout = absl::GetFlag(FLAGS_drain_timeout);
  if (config.drain_timeout < absl::ZeroDuration() || config.drain_timeout > absl::Hours(1)) {
    return Wrong("drain_timeout", absl::FormatDuration(config.drain_timeout), "must be 0 to 1h");
  }
  config.stats_interval = absl::GetFlag(FLAGS_stats_interval);
  if (config.stats_interval < absl::ZeroDuration() || config.stats_interval > absl::Hours(24)) {
    return Wrong("stats_interval", absl::FormatDuration(config.stats_interval), "must be 0 to 24h");
  }
  return config;
}

}  // namespace

absl::Status CheckListen(absl::string_view flag, absl::string_view value) {
  const size_t colon = value.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(value.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return Wrong(flag, value, "must be host:port with a port of 0 to 65535");
  }
  const absl::string_view host = value.substr(0, colon);
  if (absl::StrContains(host, ':') && (host.front() != '[' || host.back() != ']')) {
    return Wrong(flag, value, "an IPv6 address must be in brackets, such as [::1]:50051");
  }
  return absl::OkStatus();
}

absl::StatusOr<ServerConfig> ParseConfig(int argc, char** argv) {
  SetUpUsage();
  if (const std::string path = FindConfigFlag(argc, argv); !path.empty()) {
    if (absl::Status status = ApplyConfigFile(path); !status.ok()) return status;
  }
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument: ", rest[1]));
  }
  return TakeFlags();
}

}  // namespace latchwire
