// The whole server, wired together: the only place that names concrete drivers. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/main/config.h"

namespace latchwire {

class ServerProcess {
 public:
  // Opens everything and serves. An error names what could not be had.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const ServerConfig& config);
  ~ServerProcess();  // stops without draining if Stop was not called

  // Such as "127.0.0.1:50051", with the real port.
  std::string address() const;
  // Of /metrics and health, with the real port; empty when they are not served.
  std::string metrics_address() const;

  // Takes nothing new, lets calls and attempts in flight end for up to `drain_timeout`, records
  // what came of them, and closes the store. Once; nothing else is called afterwards.
  void Stop(absl::Duration drain_timeout);

 private:
  class Parts;
  explicit ServerProcess(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace latchwire
