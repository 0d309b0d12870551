// latchwire-agent: takes events of devices, keeps them, and sends them to the server.
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/log.h"
#include "core/program/exit_code.h"
#include "core/program/logging.h"
#include "core/program/process.h"
#include "edge-agent/main/agent.h"
#include "edge-agent/main/config.h"

namespace latchwire::edge {
namespace {

absl::Status WritePort(const std::string& path, uint16_t port) {
  std::ofstream file(path);
  file << port << "\n";
  if (file.flush()) return absl::OkStatus();
  return absl::UnavailableError(SettingError("listen_port_file", path, "cannot be written"));
}

int Main(const std::vector<std::string>& arguments) {
  AgentConfig config;
  Settings settings = AgentSettings(&config);
  const auto check = [&] { return CheckAgentConfig(settings, config); };
  if (const std::optional<int> code = ParseSettings(&settings, arguments, check)) return *code;
  PrepareProcess();
  SetUpLogging(config.log_level);
  StopSignals signals;

  absl::StatusOr<std::unique_ptr<Agent>> agent = Agent::Start(config);
  if (!agent.ok()) return ReportFailure(settings.program(), agent.status(), kExitFailed);
  if (!config.listen_port_file.empty()) {
    const absl::Status status = WritePort(config.listen_port_file, (*agent)->ListenPort());
    if (!status.ok()) return ReportFailure(settings.program(), status, kExitFailed);
  }
  std::printf("listening on %s\n", (*agent)->ListenAddress().c_str());
  std::fflush(stdout);

  const int signal = signals.Wait();
  Log(LogLevel::kInfo, "stopping", {{"signal", signal}});
  (*agent)->Stop();
  Log(LogLevel::kInfo, "stopped");
  return kExitOk;
}

}  // namespace
}  // namespace latchwire::edge

int main(int argc, char** argv) {
  return latchwire::edge::Main(std::vector<std::string>(argv + 1, argv + argc));
}
