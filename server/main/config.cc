#include "server/main/config.h"

#include <utility>

namespace latchwire {
namespace {

constexpr absl::string_view kUsage =
    "latchwire-server stores events and delivers them as webhooks.\n\n"
    "  latchwire-server --data_dir=/var/lib/latchwire --listen=127.0.0.1:50051\n"
    "  latchwire-server backup --data_dir=/var/lib/latchwire --to=FILE\n"
    "  latchwire-server restore --from=FILE --data_dir=NEW_DIRECTORY";

constexpr int64_t kMaxReadThreads = 64;
constexpr int64_t kMaxQueuedReads = 1'000'000;
constexpr absl::Duration kMaxDrainTimeout = absl::Hours(1);
constexpr absl::Duration kMaxStatsInterval = absl::Hours(24);

// A parser that keeps what `parse` makes of the text.
template <typename T>
Settings::Parser Into(T* value, absl::StatusOr<T> (*parse)(absl::string_view)) {
  return [value, parse](absl::string_view text) {
    absl::StatusOr<T> parsed = parse(text);
    if (parsed.ok()) *value = *std::move(parsed);
    return parsed.status();
  };
}

void AddListeners(ServerConfig* config, Settings* settings) {
  settings->AddParsed("listen", config->listen.ToString(),
                      Into(&config->listen, &ParseListenAddress),
                      "Address and port of the gRPC API; port 0 takes a free one");
  settings->AddFile("tls_certificate_file", &config->tls_certificate,
                    "PEM file of the API's certificate chain; with --tls_key_file the API speaks "
                    "TLS");
  settings->AddFile("tls_key_file", &config->tls_key, "PEM file of the certificate's private key");
  settings->AddBool("reflection", &config->reflection,
                    "Serve gRPC reflection, which grpcurl uses; it needs no key");
  settings->AddListen("metrics_listen", &config->metrics_listen,
                      "IP address and port of /metrics, /healthz and /readyz, such as "
                      "127.0.0.1:9464; they need no key, so expose them only to networks that "
                      "you trust. Empty means not served");
}

void AddWebhookLimits(ServerConfig* config, Settings* settings) {
  settings->AddList("allow_networks", Into(&config->allow_networks, &ParseIpNetworks),
                    "Non-public networks that webhooks may reach, such as "
                    "127.0.0.0/8,10.1.0.0/16; none by default");
  settings->AddList("allow_ports", Into(&config->allow_ports, &ParsePortRanges),
                    "The only ports that webhooks may reach, such as 80,443,8000-8999; empty means "
                    "all");
  settings->AddFile("webhook_ca_file", &config->webhook_ca,
                    "PEM file of more certificate authorities to trust for webhook receivers");
  settings->AddList(
      "dns_servers",
      [config](absl::string_view text) {
        config->dns_servers = std::string(text);
        return absl::OkStatus();
      },
      "Name servers for webhook URLs, such as 192.0.2.1:53; empty means the system's");
}

}  // namespace

Settings ServerSettings(ServerConfig* config) {
  Settings settings("latchwire-server", kUsage);
  settings.AddConfigFile();
  settings.AddText("data_dir", &config->data_dir,
                   "Directory of the database, the first keys and the lock; created if "
                   "missing");
  AddListeners(config, &settings);
  AddWebhookLimits(config, &settings);
  settings.AddInteger("read_threads", &config->read_threads, 1, kMaxReadThreads,
                      "Concurrent reads of the store");
  settings.AddInteger("max_queued_reads", &config->max_queued_reads, 1, kMaxQueuedReads,
                      "Queued reads of the store; calls beyond it get OVERLOADED");
  settings.AddDuration("drain_timeout", &config->drain_timeout, kMaxDrainTimeout,
                       "How long calls and attempts in flight may take to end after SIGTERM");
  settings.AddDuration("stats_interval", &config->stats_interval, kMaxStatsInterval,
                       "How often to log the counters if they changed; 0 means never");
  settings.AddLogLevel(&config->log_level);
  return settings;
}

absl::Status CheckServerConfig(const Settings& settings, const ServerConfig& config) {
  if (config.data_dir.empty()) return settings.Error("data_dir", "must not be empty");
  if (config.tls_certificate.empty() && !config.tls_key.empty()) {
    return settings.Error("tls_key_file", "tls_certificate_file is missing or empty");
  }
  if (config.tls_key.empty() && !config.tls_certificate.empty()) {
    return settings.Error("tls_certificate_file", "tls_key_file is missing or empty");
  }
  return absl::OkStatus();
}

}  // namespace latchwire
