// latchwire-server: stores events and delivers them as webhooks.
#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <optional>

#include "absl/synchronization/mutex.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/base/version.h"
#include "core/formats/format.h"
#include "core/program/logging.h"
#include "server/main/commands.h"
#include "server/main/config.h"
#include "server/main/server_process.h"

namespace latchwire {
namespace {

// Every thread inherits the mask, so only Wait sees these signals.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  int Wait() const {
    int number = 0;
    while (sigwait(&set_, &number) != 0) {
    }
    return number;
  }
  // The next one ends the process at once.
  void Release() const {
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }

 private:
  sigset_t set_;
};

// The soft limit is often 1024, fewer than the connections that the transport may keep open.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "latchwire-server: %s\n", std::string(status.message()).c_str());
  return 1;
}

int Main(int argc, char** argv) {
  if (const std::optional<int> code = RunCommand(argc, argv)) return *code;
  const absl::StatusOr<ServerConfig> config = ParseConfig(argc, argv);
  if (!config.ok()) return Fail(config.status());
  SetUpLogging(config->log_level);
  signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();
  const StopSignals signals;
  // Debian builds Abseil with its debug checks, which look up every lock that gRPC takes in one
  // graph of lock orders, under one lock: a quarter of the time of a unary call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  absl::StatusOr<std::unique_ptr<ServerProcess>> process = ServerProcess::Start(*config);
  if (!process.ok()) return Fail(process.status());
  Log(LogLevel::kInfo, "serving",
      {{"version", LatchwireVersion()},
       {"crypto", CryptoLibraryVersion()},
       {"address", (*process)->address()},
       {"data_dir", config->data_dir},
       {"tls", !config->tls_certificate.empty()}});
  std::printf("listening on %s\n", (*process)->address().c_str());
  std::fflush(stdout);

  const int number = signals.Wait();
  signals.Release();
  Log(LogLevel::kInfo, "stopping",
      {{"signal", number}, {"drain_timeout", absl::FormatDuration(config->drain_timeout)}});
  (*process)->Stop(config->drain_timeout);
  Log(LogLevel::kInfo, "stopped");
  return 0;
}

}  // namespace
}  // namespace latchwire

int main(int argc, char** argv) { return latchwire::Main(argc, argv); }
