// HTTP messages and TLS profiles as values, one type for each, shared by formats, domain, dialects
// and the network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire {

struct HttpHeader {
  std::string name;
  std::string value;

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

// Headers in the order and case of the wire. A name may occur more than once.
using HttpHeaders = std::vector<HttpHeader>;

// The value of the first header with this name, in any case; null when there is none. The pointer
// is valid as long as the headers are.
inline const std::string* FindHeader(const HttpHeaders& headers, absl::string_view name) {
  for (const HttpHeader& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, name)) return &header.value;
  }
  return nullptr;
}

inline constexpr size_t kMaxTlsPemBytes = 64 * 1024;  // of each member of a TlsProfile

// One side's TLS settings. All members are PEM; certificates may be bundles or chains. Certificate
// and key must be given together or not at all.
struct TlsProfile {
  // When set, the peer's certificate must come from one of these authorities, and no other trust
  // store counts.
  std::string ca_pem;
  // The certificate presented to the peer: the leaf first, then the chain to its authority.
  std::string certificate_pem;
  std::string private_key_pem;  // of the leaf; unencrypted

  bool empty() const {
    return ca_pem.empty() && certificate_pem.empty() && private_key_pem.empty();
  }
  friend bool operator==(const TlsProfile&, const TlsProfile&) = default;
};

// A request to send. `url` is absolute, http or https, and already validated (ParseUrl in url.h).
// Its bytes from the path on become the request target untouched; the fragment is dropped. Headers
// go out in this order and case; Host, Content-Length and Connection are the transport's own.
struct HttpRequest {
  std::string method;
  std::string url;
  HttpHeaders headers;
  std::string body;
  // Limit for the whole exchange: resolve, connect, TLS, write, read to the end of the body.
  absl::Duration timeout = absl::Seconds(15);
  // Bytes of the response body that are kept; the rest, up to the transport's own cap, is read and
  // dropped so that the connection can be used again, and past that cap the connection is closed.
  size_t response_body_limit = 4096;
  // For https; null means the transport's own trust and no client certificate. Requests whose
  // profiles differ in content never share a connection.
  std::shared_ptr<const TlsProfile> tls;
};

// A request as a server received it.
struct IncomingRequest {
  std::string method;   // as sent: methods are case-sensitive
  std::string target;   // as sent, with the query
  HttpHeaders headers;  // those of one name stand together, where the first of them stood
  std::string body;     // decoded from chunks; empty while only the head is there
  std::string peer;     // IP address of the client, without the port; "?" when it is gone already

  absl::string_view Path() const { return absl::string_view(target).substr(0, target.find('?')); }
  // Without the question mark; empty when there is none.
  absl::string_view Query() const {
    const size_t mark = target.find('?');
    return mark == std::string::npos ? absl::string_view()
                                     : absl::string_view(target).substr(mark + 1);
  }
  // The value of the first header with this name, in any case; empty when there is none.
  absl::string_view Header(absl::string_view name) const {
    const std::string* value = FindHeader(headers, name);
    return value == nullptr ? absl::string_view() : absl::string_view(*value);
  }
};

// A server's response. The server sets Content-Length and Connection itself.
struct HttpResponse {
  int status = 200;
  std::string content_type;  // no header when empty
  HttpHeaders headers;       // values without line breaks
  std::string body;
};

}  // namespace latchwire
