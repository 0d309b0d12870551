// The seam to the receivers' network: one request in, one result out.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/http/result.h"

namespace latchwire {

struct HttpHeader {
  std::string name;
  std::string value;
};

inline constexpr size_t kMaxTlsPemBytes = 64 * 1024;  // of each member of a TlsProfile

// How to speak TLS with one receiver in a way of its own. All members are PEM text; bundles and
// chains are allowed where certificates are. Certificate and key come together or not at all.
struct TlsProfile {
  // When set, the receiver's certificate must come from one of these authorities, and the server's
  // own trust store counts for nothing.
  std::string ca_pem;
  // The client certificate that is shown to receivers that ask for one: the leaf first, then what
  // leads to its authority.
  std::string certificate_pem;
  std::string private_key_pem;  // of the leaf; unencrypted
};

// INVALID_ARGUMENT when connections with this profile could never be made; the message starts with
// the member that is wrong and never quotes key material. Empty profiles are fine.
absl::Status CheckTlsProfile(const TlsProfile& profile);

// `url` is absolute, http or https, and already validated (ParseUrl in url.h). Its bytes from the
// path on become the request target untouched; the fragment is dropped. Headers go out in this
// order and case; Host, Content-Length and Connection are the transport's own.
struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<HttpHeader> headers;
  std::string body;
  // For the whole exchange: resolve, connect, TLS, write, read to the end of the body.
  absl::Duration timeout = absl::Seconds(15);
  // Bytes of the response body that are kept; the rest, up to the transport's own cap, is read and
  // dropped so that the connection can be used again, and past that cap the connection is closed.
  size_t response_body_limit = 4096;
  // For https; null means the transport's own trust and no client certificate. Requests whose
  // profiles differ in content never share a connection; a profile that CheckTlsProfile refuses is
  // answered with kTls.
  std::shared_ptr<const TlsProfile> tls;
};

// Thread-safe. Never follows redirects, never reads a proxy from the environment, never resolves a
// name twice for one connection: the address that was judged is the address connected to. One slow,
// dead or unresolvable receiver does not delay requests to others.
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
