// Serves a few pages by path, such as /metrics and /healthz, to machines that read them now and
// then.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/net/http_server.h"

namespace latchwire {

// Serves GET and HEAD of the given paths; a query makes no difference. Any other path is 404, any
// other method 405, each with the status by name as plain text.
class HttpPages : public HttpHandler {
 public:
  // Called on the server's thread for each request to its path.
  using Page = std::function<HttpResponse()>;
  using Pages = std::map<std::string, Page, std::less<>>;  // by path

  explicit HttpPages(Pages pages) : pages_(std::move(pages)) {}

  // Limits suitable for pages: 16 connections, further ones are closed; headers of 8 KiB; 10 s for
  // a request and for its response.
  static HttpServerOptions ServerOptions(ListenAddress listen);

  HeadVerdict CheckHead(const IncomingRequest& head) override;
  void Handle(IncomingRequest request, Done done) override;

 private:
  const Pages pages_;
};

}  // namespace latchwire
