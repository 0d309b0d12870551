#include "edge-agent/sources/http_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/domain/limits.h"

namespace latchwire::edge {
namespace {

HttpResponse ToHttp(IntakeResponse response) {
  HttpResponse http;
  http.status = response.http_status;
  http.content_type = "application/json";
  for (auto& [name, value] : response.headers) {
    http.headers.push_back({std::move(name), std::move(value)});
  }
  http.body = std::move(response.body);
  return http;
}

absl::Status StatusOf(const HttpFault& fault) {
  switch (fault.kind) {
    case HttpFault::Kind::kMalformed:
      return MakeError(absl::StatusCode::kInvalidArgument, intake_reason::kHttpInvalid,
                       "this is not HTTP/1.1: " + fault.detail);
    case HttpFault::Kind::kBodyTooLong:
      return MakeError(absl::StatusCode::kOutOfRange, error_reason::kRequestTooLarge,
                       absl::StrCat("the body is longer than ", fault.limit, " bytes"),
                       {{"field", "body"}, {"limit_bytes", absl::StrCat(fault.limit)}});
    case HttpFault::Kind::kHeadTooLong:
      return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kRequestTooLarge,
                       absl::StrCat("the head is longer than ", fault.limit, " bytes"));
    case HttpFault::Kind::kOverloaded:
      return MakeError(absl::StatusCode::kResourceExhausted, error_reason::kOverloaded,
                       absl::StrCat("more than ", fault.limit, " connections"));
    case HttpFault::Kind::kHandlerFailed:
      break;
  }
  return absl::InternalError("the agent failed; it has not taken the request in");
}

}  // namespace

HeadVerdict HttpSource::CheckHead(const IncomingRequest& head) {
  const absl::Status status = router_->CheckHead(head.method, head.target);
  if (!status.ok()) return HeadVerdict::Refuse(ToHttp(ErrorResponse(status)));
  return HeadVerdict::Read(kMaxRestBodyBytes);
}

void HttpSource::Handle(IncomingRequest request, Done done) {
  IntakeRequest intake;
  intake.authorization = std::string(request.Header("Authorization"));
  intake.panel_signature = std::string(request.Header("X-Webhook-Signature"));
  intake.body = std::move(request.body);
  router_->Handle(request.target, std::move(intake),
                  [done = std::move(done)](IntakeResponse response) mutable {
                    done(ToHttp(std::move(response)));
                  });
}

HttpResponse HttpSource::OnFault(const HttpFault& fault) {
  return ToHttp(ErrorResponse(StatusOf(fault)));
}

}  // namespace latchwire::edge
