// Events that devices send over HTTP: binds the server's requests to the router.
#pragma once

#include <string>

#include "core/net/http_server.h"
#include "edge-agent/sources/router.h"

namespace latchwire::edge {

// Thread-safe. Paths, methods and credentials are the router's; refusals of the server are worded
// like those of the router (ErrorResponse).
class HttpSource : public HttpHandler {
 public:
  // `router` outlives this.
  explicit HttpSource(IntakeRouter* router) : router_(router) {}

  HeadVerdict CheckHead(const IncomingRequest& head) override;
  void Handle(IncomingRequest request, Done done) override;
  HttpResponse OnFault(const HttpFault& fault) override;

 private:
  IntakeRouter* const router_;
};

}  // namespace latchwire::edge
