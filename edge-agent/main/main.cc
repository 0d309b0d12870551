// latchwire-agent: takes events of devices, keeps them, and sends them to the server.
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/program/logging.h"
#include "edge-agent/main/agent.h"
#include "edge-agent/main/config.h"

ABSL_FLAG(std::string, config, "", "configuration file (TOML); flags override it");
ABSL_FLAG(std::string, agent, "", "this agent's name, to which its key is bound");
ABSL_FLAG(std::string, listen, "",
          "address:port for devices, 127.0.0.1:8090 by default; port 0 takes any free one");
ABSL_FLAG(std::string, listen_port_file, "", "writes the port that was bound to this file");
ABSL_FLAG(std::string, server, "", "the server's host:port, 127.0.0.1:50051 by default");
ABSL_FLAG(std::string, key_file, "", "file with the agent's key, <id>.<secret>");
ABSL_FLAG(std::string, spool_dir, "", "folder in which events are kept until the server has them");
ABSL_FLAG(int64_t, spool_max_bytes, 0, "bytes that the spool may hold, 268435456 by default");
ABSL_FLAG(std::string, log_level, "", "debug, info, warn or error");

namespace latchwire::edge {
namespace {

std::string VersionText() {
  return absl::StrCat("latchwire-agent ", LATCHWIRE_VERSION,
                      "\ncryptography: ", CryptoLibraryVersion(), "\n");
}

void Override(const absl::Flag<std::string>& flag, std::string* value) {
  const std::string given = absl::GetFlag(flag);
  if (!given.empty()) *value = given;
}

absl::StatusOr<AgentConfig> LoadConfig() {
  AgentConfig config;
  const std::string path = absl::GetFlag(FLAGS_config);
  if (!path.empty()) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return absl::NotFoundError(absl::StrCat("--config=", path, ": cannot be read"));
    if (absl::Status status = ReadConfig(text.str(), path, &config); !status.ok()) return status;
  }
  Override(FLAGS_agent, &config.agent);
  Override(FLAGS_listen, &config.listen);
  Override(FLAGS_server, &config.server);
  Override(FLAGS_key_file, &config.key_file);
  Override(FLAGS_spool_dir, &config.spool_directory);
  Override(FLAGS_log_level, &config.log_level);
  const int64_t max_bytes = absl::GetFlag(FLAGS_spool_max_bytes);
  if (max_bytes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--spool-max-bytes=", max_bytes, ": must not be negative"));
  }
  if (max_bytes > 0) config.spool_max_bytes = static_cast<uint64_t>(max_bytes);
  return config;
}

int Fail(const absl::Status& status) {
  std::cerr << "latchwire-agent: " << status.message() << "\n";
  return 2;
}

int Run() {
  // Every thread leaves these to this one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto config = LoadConfig();
  if (!config.ok()) return Fail(config.status());
  LogLevel log_level = LogLevel::kInfo;
  if (absl::Status status = CheckConfig(*config); !status.ok()) return Fail(status);
  if (!ParseLogLevel(config->log_level, &log_level)) return Fail(absl::InternalError("log_level"));
  SetUpLogging(log_level);
  auto agent = Agent::Start(*config);
  if (!agent.ok()) return Fail(agent.status());

  const std::string port_file = absl::GetFlag(FLAGS_listen_port_file);
  if (!port_file.empty()) {
    std::ofstream file(port_file);
    file << (*agent)->ListenPort() << "\n";
    if (!file.flush()) {
      return Fail(absl::UnavailableError(
          absl::StrCat("--listen-port-file=", port_file, ": cannot be written")));
    }
  }
  std::cout << "listening on " << (*agent)->ListenAddress() << std::endl;
  const IntakeConfig& intake = config->intake;
  for (const auto& [family, count] :
       {std::pair("acogo", intake.acogo.size()), std::pair("situator", intake.situator.size()),
        std::pair("panel", intake.panel.size()), std::pair("json", intake.json.size())}) {
    if (count == 0) {
      Log(LogLevel::kInfo, "intake is off: it is not configured",
          {{"path", absl::StrCat("/in/", family)}});
    }
  }
  for (const IntakeCredential& panel : intake.panel) {
    if (panel.secret.empty())
      Log(LogLevel::kWarning, "/in/panel takes unsigned requests from anyone");
  }

  int signal = 0;
  sigwait(&signals, &signal);
  Log(LogLevel::kInfo, "stopping", {{"signal", signal}});
  (*agent)->Stop();
  Log(LogLevel::kInfo, "stopped");
  return 0;
}

}  // namespace
}  // namespace latchwire::edge

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "takes events of door and intercom devices, keeps them on disk, and sends them to the "
      "server.\nFlags may be written with - or _.");
  absl::FlagsUsageConfig usage;
  usage.version_string = [] { return latchwire::edge::VersionText(); };
  usage.contains_help_flags = [](absl::string_view file) {
    return absl::EndsWith(file, "edge-agent/main/main.cc");
  };
  absl::SetFlagsUsageConfig(usage);
  // --key-file is --key_file.
  std::vector<std::string> arguments(argv, argv + argc);
  std::vector<char*> pointers;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string& argument = arguments[i];
    if (i > 0 && absl::StartsWith(argument, "--")) {
      const size_t end = std::min(argument.find('='), argument.size());
      std::replace(argument.begin() + 2, argument.begin() + static_cast<std::ptrdiff_t>(end), '-',
                   '_');
    }
    pointers.push_back(argument.data());
  }
  const std::vector<char*> rest =
      absl::ParseCommandLine(static_cast<int>(pointers.size()), pointers.data());
  if (rest.size() > 1) {
    std::cerr << "latchwire-agent: unexpected argument '" << rest[1] << "'\n";
    return 2;
  }
  return latchwire::edge::Run();
}
