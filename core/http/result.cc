#include "core/http/result.h"

namespace latchwire {

absl::string_view TransportErrorName(TransportError error) {
  switch (error) {
    case TransportError::kNone:
      return "NONE";
    case TransportError::kInvalidUrl:
      return "INVALID_URL";
    case TransportError::kBlockedAddress:
      return "BLOCKED_ADDRESS";
    case TransportError::kResolve:
      return "RESOLVE";
    case TransportError::kConnect:
      return "CONNECT";
    case TransportError::kTls:
      return "TLS";
    case TransportError::kTimeout:
      return "TIMEOUT";
    case TransportError::kConnectionClosed:
      return "CONNECTION_CLOSED";
    case TransportError::kInvalidResponse:
      return "INVALID_RESPONSE";
    case TransportError::kOverloaded:
      return "OVERLOADED";
    case TransportError::kShutdown:
      return "SHUTDOWN";
  }
  return "UNKNOWN";
}

}  // namespace latchwire
