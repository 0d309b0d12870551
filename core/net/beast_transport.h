// The production Transport: HTTP/1.1 over pools of kept-alive connections.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/http/ip_address.h"
#include "core/net/asio_executor.h"
#include "core/net/port_ranges.h"
#include "core/net/transport.h"

namespace latchwire {

// Deliveries of all hosts share the process, so every number is a bound on what one host, or all
// of them, may hold. Each open connection takes one file descriptor of the process's limit.
struct BeastTransportOptions {
  // Non-public networks that may be reached; see address_guard.h.
  std::vector<IpNetwork> allow_networks;
  // The only ports that may be reached; empty means all. Others answer kBlockedAddress.
  std::vector<PortRange> allow_ports;

  // Connections to one scheme, host and port.
  size_t max_connections_per_host = 64;
  // Requests that wait for a connection; beyond it Send answers kOverloaded. Together with the
  // connections at least the number of attempts that the server has in flight (2,048), so that many
  // webhooks with one host are not refused here: a refused delivery is read from the store and
  // rendered again.
  size_t max_waiting_per_host = 2048;
  size_t max_connections = 4096;  // the longest idle one is closed for a new one
  size_t max_requests = 65536;    // sent and not yet answered, all hosts; beyond it kOverloaded
  absl::Duration idle_timeout = absl::Seconds(60);
  // An older connection is closed once its response has arrived, so that DNS changes are noticed.
  absl::Duration max_connection_age = absl::Minutes(5);

  uint32_t max_response_header_bytes = 16 * 1024;
  // If a body is longer, the connection is closed; the status and the part that was kept count.
  uint64_t max_response_body_bytes = 1024 * 1024;

  // TLS 1.2 is the oldest version spoken. PEM files; without a readable one every https request
  // fails with kTls and says so.
  std::string trust_store_path = "/etc/ssl/certs/ca-certificates.crt";
  std::string extra_trusted_pem;  // more certificate authorities, as text
  // Requests' own TLS profiles that are kept ready. The least recently used one is dropped first
  // and must be read again for its next connection. Open connections stay open.
  size_t max_tls_profiles = 256;

  // Name servers, "192.0.2.1:53,[2001:db8::1]:53"; empty means the system's.
  std::string dns_servers;
  absl::Duration dns_timeout = absl::Seconds(10);     // for one name
  absl::Duration dns_try_timeout = absl::Seconds(2);  // for one question to one server
  int dns_tries = 3;
  absl::Duration dns_min_ttl = absl::Seconds(5);
  absl::Duration dns_max_ttl = absl::Minutes(5);
  absl::Duration dns_negative_ttl = absl::Seconds(5);
  size_t dns_max_cached_names = 4096;

  const Clock* clock = SystemClock();
};

// Runs on `executor`, which outlives it. Destroying it answers every open request with kShutdown
// first; on a running executor that happens on its thread, and the destructor waits for it.
//
// The request's headers Host, Content-Length, Connection and Transfer-Encoding are ignored: the
// transport sets its own. Content-Length is sent for POST, PUT, PATCH, and with any body. A method
// or header that HTTP cannot carry is answered with kInvalidUrl and names it. Once the headers of a
// response are complete its status counts (error is kNone), even if the body ends early or outlasts
// the deadline; body_truncated then says so.
std::unique_ptr<Transport> NewBeastTransport(AsioExecutor* executor, BeastTransportOptions options);

}  // namespace latchwire
