// How one HTTP exchange ended, as the transport reports it to the sender of the request.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire {

// Why there is no HTTP status. kNone: there is one.
enum class TransportError {
  kNone,
  kInvalidUrl,
  kBlockedAddress,  // refused by the SSRF guard; the detail names address, rule and setting
  kResolve,
  kConnect,
  kTls,
  kTimeout,
  kConnectionClosed,
  kInvalidResponse,
  kOverloaded,  // the transport's own queue is full: nothing was sent
  kShutdown,    // the transport is stopping: nothing was sent, or the answer was not awaited
};

absl::string_view TransportErrorName(TransportError error);  // such as "BLOCKED_ADDRESS"

struct HttpResult {
  TransportError error = TransportError::kNone;
  std::string detail;  // for people; empty if error is kNone
  int http_status = 0;
  std::string retry_after;  // the header's value as sent; empty if there is none
  std::string body;         // at most the request's response_body_limit bytes, even if error is set
  // The body is incomplete: it is longer than the limit, ended early, or outlasted the deadline.
  // The status still counts if the headers of the response have arrived completely.
  bool body_truncated = false;
  absl::Duration duration;     // of the whole exchange, monotonic
  std::string remote_address;  // "192.0.2.7:443"; empty if no connection was made
  bool reused_connection = false;
};

}  // namespace latchwire
