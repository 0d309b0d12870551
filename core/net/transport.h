// The seam to the receivers' network: sends one request and returns one result.
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/http/message.h"
#include "core/http/result.h"

namespace latchwire {

// INVALID_ARGUMENT if connections with this profile could never be made; the message starts with
// the wrong member and never quotes key material. Empty profiles are valid.
absl::Status CheckTlsProfile(const TlsProfile& profile);

// Thread-safe. Never follows redirects, never reads a proxy from the environment, never resolves a
// name twice for one connection: the address that was checked is the address connected to. One
// slow, dead or unresolvable receiver does not delay requests to others.
class Transport {
 public:
  using Done = absl::AnyInvocable<void(HttpResult)>;

  virtual ~Transport() = default;
  // Calls `done` exactly once, later, never from inside Send, on the executor that the transport
  // was made with. A request is sent at most once, except that one whose reused connection was
  // found closed before any byte of an answer is sent again on a new one.
  virtual void Send(HttpRequest request, Done done) = 0;
};

}  // namespace latchwire
