// Wires the agent: intake -> spool -> uplink.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "edge-agent/main/config.h"

namespace latchwire::edge {

class Agent {
 public:
  // Opens the spool, binds the port, starts the threads. Errors name what could not be opened.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentConfig& config);
  // Calls Stop if it was not called.
  ~Agent();

  std::string ListenAddress() const;
  uint16_t ListenPort() const;

  // Answers requests in flight, closes the spool cleanly, joins the threads. Unsent events stay.
  void Stop();

 private:
  struct Parts;
  explicit Agent(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace latchwire::edge
