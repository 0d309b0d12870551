#include "core/net/http_pages.h"

#include <utility>

namespace latchwire {
namespace {

constexpr uint64_t kMaxBodyBytes = 8 * 1024;  // of a GET; read and ignored

}  // namespace

HttpServerOptions HttpPages::ServerOptions(ListenAddress listen) {
  HttpServerOptions options;
  options.listen = std::move(listen);
  options.max_connections = 16;
  options.overflow = HttpServerOptions::Overflow::kClose;
  options.max_head_bytes = 8 * 1024;
  options.head_timeout = absl::Seconds(10);
  options.body_timeout = absl::Seconds(10);
  options.write_timeout = absl::Seconds(10);
  return options;
}

HeadVerdict HttpPages::CheckHead(const IncomingRequest& head) {
  if (pages_.find(head.Path()) == pages_.end()) return HeadVerdict::Refuse(PlainResponse(404));
  if (head.method != "GET" && head.method != "HEAD") {
    HttpResponse response = PlainResponse(405);
    response.headers.push_back({"Allow", "GET, HEAD"});
    return HeadVerdict::Refuse(std::move(response));
  }
  return HeadVerdict::Read(kMaxBodyBytes);
}

void HttpPages::Handle(IncomingRequest request, Done done) {
  done(pages_.find(request.Path())->second());
}

}  // namespace latchwire
