#include "edge-agent/main/config.h"

#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/base/error.h"
#include "core/dialects/registry.h"
#include "core/domain/validation.h"

namespace latchwire::edge {
namespace {

constexpr absl::string_view kUsage =
    "latchwire-agent takes events of door and intercom devices, keeps them on disk, and sends them "
    "to the server.\n\n"
    "  latchwire-agent --config=agent.toml\n\n"
    "What devices may send, and their tokens, are set only in the file: docs/agent.md.";

constexpr int64_t kMinSpoolBytes = 1024 * 1024;
constexpr int64_t kMinSegmentBytes = 4096;
constexpr int64_t kMaxSegmentBytes = 1024 * 1024 * 1024;
constexpr int64_t kMinBackoffMs = 100;
constexpr int64_t kMaxBackoffMs = 24 * 60 * 60 * 1000;

// What the family's keys say; the family itself says what they must be.
absl::Status ReadFamily(const DialectRow& row, TableReader* intake, IntakeConfig* config) {
  for (TableReader& reader : intake->Tables(row.name)) {
    CredentialSettings settings;
    for (const CredentialKey& key : row.credential_keys) {
      std::string text;
      bool flag = false;
      switch (key.kind) {
        case CredentialKey::Kind::kText:
          reader.Text(key.name, &text);
          break;
        case CredentialKey::Kind::kSecret:
          reader.Secret(key.name, &text);
          break;
        case CredentialKey::Kind::kFlag:
          reader.Bool(key.name, &flag);
          settings.SetFlag(key.name, flag);
          continue;
      }
      settings.SetText(key.name, std::move(text));
    }
    // Made and thrown away, so that the error names the line of the table.
    if (const auto dialect = row.make({&settings, 1}); !dialect.ok()) {
      reader.Fail(MetadataOf(dialect.status())["field"], dialect.status().message());
    }
    if (absl::Status status = reader.Finish(); !status.ok()) return status;
    (*config)[std::string(row.name)].push_back(std::move(settings));
  }
  return absl::OkStatus();
}

absl::Status ReadIntake(TableReader* intake, IntakeConfig* config) {
  absl::Status status;
  for (const DialectRow& row : DialectTable()) status.Update(ReadFamily(row, intake, config));
  return status;
}

void AddServer(AgentConfig* config, Settings* settings) {
  settings->AddParsed(
      "agent", "",
      [config](absl::string_view text) {
        if (!IsValidAgentName(text)) {
          return absl::InvalidArgumentError("must be 1 to 64 of a-z 0-9 - _ .");
        }
        config->agent = std::string(text);
        return absl::OkStatus();
      },
      "This agent's name, to which its key is bound");
  settings->AddParsed(
      "server", config->server,
      [config](absl::string_view text) {
        if (!absl::StrContains(text, ':')) {
          return absl::InvalidArgumentError("must be host:port");
        }
        config->server = std::string(text);
        return absl::OkStatus();
      },
      "The server's host and port (gRPC)");
  settings->AddFile("key_file", &config->key, "File with the agent's key, <id>.<secret>");
  settings->AddBool("tls", &config->tls,
                    "Use TLS to the server; without it the key travels in the clear");
  settings->AddFile("root_certificates_file", &config->root_certificates,
                    "PEM file of the CAs to trust with --tls; empty means the system's");
  settings->AddInteger("max_backoff_ms", &config->max_backoff_ms, kMinBackoffMs, kMaxBackoffMs,
                       "The longest backoff between two tries to reach the server");
}

}  // namespace

Settings AgentSettings(AgentConfig* config) {
  Settings settings("latchwire-agent", kUsage);
  settings.AddConfigFile();
  AddServer(config, &settings);
  settings.AddParsed(
      "listen", config->listen.ToString(),
      [config](absl::string_view text) {
        absl::StatusOr<ListenAddress> address = ParseIpListenAddress(text);
        if (address.ok()) config->listen = *std::move(address);
        return address.status();
      },
      "IP address and port for devices; port 0 takes a free one");
  settings.AddText("listen_port_file", &config->listen_port_file,
                   "File to write the bound port to");
  settings.AddText("spool.directory", &config->spool_directory,
                   "Directory in which events are kept until the server has them; used "
                   "by one agent only");
  settings.AddAlias("spool_dir", "spool.directory");
  settings.AddInteger("spool.max_bytes", &config->spool_max_bytes, kMinSpoolBytes,
                      std::numeric_limits<int64_t>::max(),
                      "Bytes that the spool may hold; beyond it devices get 503");
  settings.AddInteger("spool.segment_bytes", &config->spool_segment_bytes, kMinSegmentBytes,
                      kMaxSegmentBytes, "Space is freed in pieces of this size");
  settings.AddLogLevel(&config->log_level);
  settings.AddSection(
      "intake", [config](TableReader* intake) { return ReadIntake(intake, &config->intake); });
  return settings;
}

absl::Status CheckAgentConfig(const Settings& settings, const AgentConfig& config) {
  if (config.agent.empty()) return settings.Error("agent", "is required");
  if (absl::StripAsciiWhitespace(config.key).empty()) {
    return settings.Error("key_file", "is required: a file with the agent's key");
  }
  if (config.spool_directory.empty()) return settings.Error("spool.directory", "is required");
  return absl::OkStatus();
}

}  // namespace latchwire::edge
