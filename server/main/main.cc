// latchwire-server: stores events and delivers them as webhooks.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/base/version.h"
#include "core/program/exit_code.h"
#include "core/program/logging.h"
#include "core/program/process.h"
#include "server/main/commands.h"
#include "server/main/config.h"
#include "server/main/server_process.h"

namespace latchwire {
namespace {

int Main(const std::vector<std::string>& arguments) {
  if (const std::optional<int> code = RunCommand(arguments)) return *code;
  ServerConfig config;
  Settings settings = ServerSettings(&config);
  const auto check = [&] { return CheckServerConfig(settings, config); };
  if (const std::optional<int> code = ParseSettings(&settings, arguments, check)) return *code;
  PrepareProcess();
  SetUpLogging(config.log_level);
  StopSignals signals;

  absl::StatusOr<std::unique_ptr<ServerProcess>> process = ServerProcess::Start(config);
  if (!process.ok()) return ReportFailure(settings.program(), process.status(), kExitFailed);
  if (const std::string metrics = (*process)->metrics_address(); !metrics.empty()) {
    Log(LogLevel::kInfo, "serving metrics", {{"metrics_address", metrics}});
  }
  Log(LogLevel::kInfo, "serving",
      {{"version", LatchwireVersion()},
       {"crypto", CryptoLibraryVersion()},
       {"address", (*process)->address()},
       {"data_dir", config.data_dir},
       {"tls", !config.tls_certificate.empty()}});
  std::printf("listening on %s\n", (*process)->address().c_str());
  std::fflush(stdout);

  const int signal = signals.Wait();
  Log(LogLevel::kInfo, "stopping",
      {{"signal", signal}, {"drain_timeout", absl::FormatDuration(config.drain_timeout)}});
  (*process)->Stop(config.drain_timeout);
  Log(LogLevel::kInfo, "stopped");
  return kExitOk;
}

}  // namespace
}  // namespace latchwire

int main(int argc, char** argv) {
  return latchwire::Main(std::vector<std::string>(argv + 1, argv + argc));
}
