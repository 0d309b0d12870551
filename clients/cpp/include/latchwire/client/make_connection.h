// Connects to a server.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "latchwire/client/connection.h"

namespace latchwire::client {

struct ConnectionOptions {
  enum class Tls {
    kAutomatic,  // plain text to loopback addresses, TLS to all others
    kOn,
    kOff,
  };
  Tls tls = Tls::kAutomatic;
  // PEM of the authorities that may sign the server's certificate; empty takes the system's.
  std::string root_certificates;
  // Limit for a call with all its retries, unless its CallOptions set another.
  absl::Duration timeout = absl::Seconds(30);
};

// Returns a connection to the server at `address` (`host:port`) with the key `<id>.<secret>`. The
// first call connects, and later ones reconnect when it broke. A call that failed for a passing
// reason is retried within its timeout, with backoff and never earlier than the server asks.
// UNAVAILABLE from anything but the server leaves open whether the call was done, so then only
// calls that do the same when done twice are retried; every other failure means that it was not.
std::shared_ptr<Connection> MakeConnection(const std::string& address, const std::string& key,
                                           const ConnectionOptions& options = {});

}  // namespace latchwire::client
