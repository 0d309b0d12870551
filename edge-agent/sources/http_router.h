// Passes a device's HTTP request to the intake and its answer back, without sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/net/http_pages.h"
#include "core/net/http_server.h"
#include "edge-agent/sources/intake.h"
#include "edge-agent/sources/refusal_log.h"
#include "edge-agent/sources/source.h"

namespace latchwire::edge {

// {"error":{"code":400,"reason":"FIELD_INVALID","message":"...","field":"..."}}. Statuses: 400
// INVALID_ARGUMENT, 401 UNAUTHENTICATED, 404 NOT_FOUND, 405 UNIMPLEMENTED (with Allow), 408
// DEADLINE_EXCEEDED, 413 OUT_OF_RANGE, 503 RESOURCE_EXHAUSTED and UNAVAILABLE (with Retry-After),
// otherwise 500.
HttpResponse ErrorResponse(const absl::Status& status);

// Serves `/in/<family>[/<path>]` for each family of the intake, and GET and HEAD of the pages, which
// need no token. 200 with {"accepted":[{"id":"..."}]} only after every event of the request is
// durable. What it refuses goes to the RefusalLog. Thread-safe.
class HttpRouter : public HttpHandler {
 public:
  // `intake` and `refusals` outlive the router and all requests in flight.
  HttpRouter(Intake* intake, RefusalLog* refusals, HttpPages::Pages pages);

  HeadVerdict CheckHead(const IncomingRequest& head) override;
  void Handle(IncomingRequest request, Done done) override;
  HttpResponse OnFault(const HttpFault& fault) override;

  SourceStats Stats() const;

 private:
  struct Route {
    std::string path;  // of the URL
    const DialectRow* row;
    absl::string_view below;  // DeviceMessage::path
  };

  const Route* FindRoute(absl::string_view path) const;
  absl::Status NoSuchPath(absl::string_view path) const;
  HttpResponse Refuse(const IncomingRequest& request, absl::string_view family,
                      const absl::Status& status);

  Intake* const intake_;
  RefusalLog* const refusals_;
  const HttpPages::Pages pages_;
  std::vector<Route> routes_;
  std::vector<std::string> paths_;  // of routes and pages, to suggest the nearest one
  std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> refused_{0};
};

}  // namespace latchwire::edge
