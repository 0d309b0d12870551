#include "edge-agent/main/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/domain/validation.h"

namespace latchwire::edge {
namespace {

constexpr uint64_t kMinSpoolBytes = 1024 * 1024;
constexpr uint64_t kMaxSegmentBytes = 1024 * 1024 * 1024;

// Walks one table; every key must be one that is known.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string path, absl::string_view file)
      : table_(table), path_(std::move(path)), file_(file) {}

  TableReader& String(const char* key, std::string* out) {
    return Value<std::string>(key, "a text", [out](std::string value) { *out = std::move(value); });
  }
  TableReader& Bool(const char* key, bool* out) {
    return Value<bool>(key, "true or false", [out](bool value) { *out = value; });
  }
  template <typename T>
  TableReader& Integer(const char* key, T* out) {
    return Value<int64_t>(key, "an integer of at least 0", [&, out](int64_t value) {
      if (value < 0) {
        Fail(key, "must be an integer of at least 0");
      } else {
        *out = static_cast<T>(value);
      }
    });
  }
  // A secret as it stands, or out of the file that `<key>_file` names.
  TableReader& Secret(const std::string& key, std::string* out) {
    std::string file;
    String(key.c_str(), out).String((key + "_file").c_str(), &file);
    if (file.empty() || !status_.ok()) return *this;
    auto text = ReadSecretFile(file);
    if (text.ok()) {
      *out = *std::move(text);
    } else {
      Fail((key + "_file").c_str(), text.status().message());
    }
    return *this;
  }
  const toml::table* Table(const char* key) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) Fail(key, "must be a table");
    return node->as_table();
  }
  // One table or an array of them.
  std::vector<const toml::table*> Tables(const char* key) {
    known_.push_back(key);
    std::vector<const toml::table*> tables;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return tables;
    if (node->is_table()) tables.push_back(node->as_table());
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& element : *array) {
        if (element.is_table()) tables.push_back(element.as_table());
      }
    }
    if (tables.empty()) Fail(key, "must be a table, or an array of tables");
    return tables;
  }
  absl::Status Done() {
    for (const auto& [key, node] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) == known_.end()) {
        Fail(std::string(key.str()).c_str(), "no such setting");
      }
    }
    return status_;
  }
  void Fail(const char* key, absl::string_view what) {
    if (!status_.ok()) return;
    const toml::node* node = table_.get(key);
    const auto line = node != nullptr ? node->source().begin.line : table_.source().begin.line;
    status_ =
        absl::InvalidArgumentError(absl::StrCat(file_, ":", line, ": ", path_, key, ": ", what));
  }

 private:
  template <typename T, typename Set>
  TableReader& Value(const char* key, absl::string_view kind, Set set) {
    known_.push_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return *this;
    if (const auto value = node->value_exact<T>()) {
      set(*value);
    } else {
      Fail(key, absl::StrCat("must be ", kind));
    }
    return *this;
  }

  const toml::table& table_;
  const std::string path_;
  const absl::string_view file_;
  std::vector<std::string> known_;
  absl::Status status_;
};

absl::Status ReadFamily(TableReader* intake, const char* family, const char* secret_key,
                        absl::string_view file, std::vector<IntakeCredential>* out) {
  for (const toml::table* table : intake->Tables(family)) {
    TableReader reader(*table, absl::StrCat("intake.", family, "."), file);
    IntakeCredential credential;
    bool allow_unsigned = false;
    reader.Secret(secret_key, &credential.secret).String("source", &credential.source);
    const bool panel = absl::string_view(family) == "panel";
    if (panel) reader.Bool("allow_unsigned", &allow_unsigned);
    if (absl::string_view(family) == "acogo") reader.String("model", &credential.model);
    if (credential.secret.empty() && !allow_unsigned) {
      reader.Fail(secret_key, panel ? "is required, unless allow_unsigned = true lets anyone in"
                                    : "is required");
    }
    if (absl::Status status = reader.Done(); !status.ok()) return status;
    out->push_back(std::move(credential));
  }
  return absl::OkStatus();
}

absl::Status ReadTables(const toml::table& root, absl::string_view file, AgentConfig* config) {
  TableReader reader(root, "", file);
  reader.String("agent", &config->agent)
      .String("listen", &config->listen)
      .String("server", &config->server)
      .String("key_file", &config->key_file)
      .Bool("tls", &config->tls)
      .String("root_certificates_file", &config->root_certificates_file)
      .Integer("max_backoff_ms", &config->max_backoff_ms)
      .String("log_level", &config->log_level);
  if (const toml::table* spool = reader.Table("spool")) {
    TableReader spool_reader(*spool, "spool.", file);
    spool_reader.String("directory", &config->spool_directory)
        .Integer("max_bytes", &config->spool_max_bytes)
        .Integer("segment_bytes", &config->spool_segment_bytes);
    if (absl::Status status = spool_reader.Done(); !status.ok()) return status;
  }
  if (const toml::table* table = reader.Table("intake")) {
    TableReader intake(*table, "intake.", file);
    IntakeConfig& out = config->intake;
    absl::Status status = ReadFamily(&intake, "acogo", "token", file, &out.acogo);
    if (status.ok()) status = ReadFamily(&intake, "situator", "token", file, &out.situator);
    if (status.ok()) status = ReadFamily(&intake, "panel", "secret", file, &out.panel);
    if (status.ok()) status = ReadFamily(&intake, "json", "token", file, &out.json);
    if (status.ok()) status = intake.Done();
    if (!status.ok()) return status;
  }
  return reader.Done();
}

absl::Status Invalid(absl::string_view name, absl::string_view value, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, " = '", value, "': ", what));
}

}  // namespace

absl::Status ReadConfig(absl::string_view toml, absl::string_view name, AgentConfig* config) {
  try {
    const toml::table root = toml::parse(std::string_view(toml.data(), toml.size()));
    return ReadTables(root, name, config);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ":", error.source().begin.line, ": ", std::string(error.description())));
  }
}

absl::Status CheckConfig(const AgentConfig& config) {
  if (!IsValidAgentName(config.agent)) {
    return Invalid("agent", config.agent, "must be 1 to 64 of a-z 0-9 - _ . (flag --agent)");
  }
  if (const auto address = ParseListenAddress(config.listen); !address.ok()) {
    return Invalid("listen", config.listen, address.status().message());
  }
  if (config.server.find(':') == std::string::npos) {
    return Invalid("server", config.server, "must be host:port (flag --server)");
  }
  if (config.key_file.empty()) {
    return Invalid("key_file", "", "is required: the file with the agent's key (flag --key-file)");
  }
  if (config.spool_directory.empty()) {
    return Invalid("spool.directory", "", "is required: where events are kept (flag --spool-dir)");
  }
  if (config.spool_max_bytes < kMinSpoolBytes) {
    return Invalid("spool.max_bytes", absl::StrCat(config.spool_max_bytes),
                   absl::StrCat("must be at least ", kMinSpoolBytes, " (flag --spool-max-bytes)"));
  }
  if (config.spool_segment_bytes < 4096 || config.spool_segment_bytes > kMaxSegmentBytes) {
    return Invalid("spool.segment_bytes", absl::StrCat(config.spool_segment_bytes),
                   absl::StrCat("must be 4096 to ", kMaxSegmentBytes));
  }
  if (config.max_backoff_ms < 100) {
    return Invalid("max_backoff_ms", absl::StrCat(config.max_backoff_ms), "must be at least 100");
  }
  const std::string& level = config.log_level;
  if (level != "debug" && level != "info" && level != "warn" && level != "error") {
    return Invalid("log_level", level, "must be debug, info, warn or error");
  }
  return absl::OkStatus();
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  ListenAddress address;
  uint32_t port = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > 65535) {
    return absl::InvalidArgumentError("must be address:port, such as 127.0.0.1:8090");
  }
  absl::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  address.host = std::string(host);
  address.port = static_cast<uint16_t>(port);
  return address;
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read the file ", path));
  const std::string secret(absl::StripAsciiWhitespace(text.str()));
  if (secret.empty())
    return absl::InvalidArgumentError(absl::StrCat("the file ", path, " is empty"));
  return secret;
}

}  // namespace latchwire::edge
