#include "edge-agent/sources/http_router.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/domain/limits.h"
#include "core/json/json_string.h"
#include "edge-agent/sources/nearest.h"

namespace latchwire::edge {
namespace {

constexpr char kJson[] = "application/json";
constexpr char kRoot[] = "/in/";
constexpr absl::Duration kDefaultRetryAfter = absl::Seconds(5);
constexpr uint64_t kMaxPageBodyBytes = 8 * 1024;  // of a GET; read and ignored

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kUnimplemented:
      return 405;
    case absl::StatusCode::kDeadlineExceeded:
      return 408;
    case absl::StatusCode::kOutOfRange:
      return 413;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

std::string ReasonFor(const absl::Status& status) {
  std::string reason = ReasonOf(status);
  if (!reason.empty()) return reason;
  if (absl::IsResourceExhausted(status)) return std::string(error_reason::kOverloaded);
  if (absl::IsUnavailable(status)) return std::string(error_reason::kStoreUnavailable);
  return std::string(error_reason::kInternal);
}

HttpResponse AcceptedResponse(const std::vector<std::string>& ids) {
  HttpResponse response;
  response.content_type = kJson;
  response.body = "{\"accepted\":[";
  for (const std::string& id : ids) {
    absl::StrAppend(&response.body, response.body.back() == '[' ? "" : ",",
                    "{\"id\":", JsonQuote(id), "}");
  }
  response.body += "]}";
  return response;
}

absl::Status CheckMethod(absl::string_view method, absl::Span<const absl::string_view> allowed) {
  if (std::find(allowed.begin(), allowed.end(), method) != allowed.end()) return absl::OkStatus();
  const std::string names = absl::StrJoin(allowed, ", ");
  return MakeError(absl::StatusCode::kUnimplemented, error_reason::kMethodNotAllowed,
                   absl::StrCat("this path takes ", names, " only"), {{"allow", names}});
}

absl::Status StatusOf(const HttpFault& fault) {
  switch (fault.kind) {
    case HttpFault::Kind::kMalformed:
      return MakeError(absl::StatusCode::kInvalidArgument, intake_reason::kHttpInvalid,
                       absl::StrCat("this is not HTTP/1.1: ", fault.detail));
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
  return absl::InternalError("the agent failed and did not take the request");
}

}  // namespace

HttpResponse ErrorResponse(const absl::Status& status) {
  HttpResponse response;
  response.content_type = kJson;
  response.status = HttpStatusOf(status);
  const std::map<std::string, std::string> metadata = MetadataOf(status);
  response.body = absl::StrCat("{\"error\":{\"code\":", response.status,
                               ",\"reason\":", JsonQuote(ReasonFor(status)),
                               ",\"message\":", JsonQuote(status.message()));
  for (const auto& [key, value] : metadata) {
    if (key == "allow") {
      response.headers.push_back({"Allow", value});
    } else {
      absl::StrAppend(&response.body, ",", JsonQuote(key), ":", JsonQuote(value));
    }
  }
  response.body += "}}";
  if (response.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (response.status == 503) {
    const absl::Duration wait = RetryAfterOf(status).value_or(kDefaultRetryAfter);
    response.headers.push_back({"Retry-After", absl::StrCat(absl::ToInt64Seconds(wait))});
  }
  return response;
}

HttpRouter::HttpRouter(Intake* intake, RefusalLog* refusals, HttpPages::Pages pages)
    : intake_(intake), refusals_(refusals), pages_(std::move(pages)) {
  for (const DialectRow* row : intake_->Families()) {
    for (const absl::string_view below : row->paths) {
      routes_.push_back(
          {absl::StrCat(kRoot, row->name, below.empty() ? "" : "/", below), row, below});
      paths_.push_back(routes_.back().path);
    }
  }
  for (const auto& [path, page] : pages_) paths_.push_back(path);
}

const HttpRouter::Route* HttpRouter::FindRoute(absl::string_view path) const {
  for (const Route& route : routes_) {
    if (route.path == path) return &route;
  }
  return nullptr;
}

absl::Status HttpRouter::NoSuchPath(absl::string_view path) const {
  for (const DialectRow& row : DialectTable()) {
    absl::string_view rest = path;
    const bool is_its = absl::ConsumePrefix(&rest, absl::StrCat(kRoot, row.name)) &&
                        (rest.empty() || rest.front() == '/');
    const std::vector<const DialectRow*> families = intake_->Families();
    if (is_its && std::find(families.begin(), families.end(), &row) == families.end()) {
      return MakeError(absl::StatusCode::kNotFound, error_reason::kRouteNotFound,
                       absl::StrCat("the device family ", row.name,
                                    " is not configured: there is no [intake.", row.name, "]"));
    }
  }
  std::map<std::string, std::string> metadata;
  std::string message = "no such path";
  if (std::string nearest = NearestPath(path, paths_); !nearest.empty()) {
    absl::StrAppend(&message, "; the nearest is ", nearest);
    metadata["nearest"] = std::move(nearest);
  }
  return MakeError(absl::StatusCode::kNotFound, error_reason::kRouteNotFound, message,
                   std::move(metadata));
}

HeadVerdict HttpRouter::CheckHead(const IncomingRequest& head) {
  static constexpr absl::string_view kPageMethods[] = {"GET", "HEAD"};
  const absl::string_view path = head.Path();
  absl::string_view family;
  uint64_t max_body_bytes = kMaxPageBodyBytes;
  absl::Status status;
  if (pages_.find(path) != pages_.end()) {
    status = CheckMethod(head.method, kPageMethods);
  } else if (const Route* route = FindRoute(path)) {
    family = route->row->name;
    max_body_bytes = kMaxRestBodyBytes;
    status = CheckMethod(head.method, route->row->methods);
  } else {
    status = NoSuchPath(path);
  }
  if (status.ok()) return HeadVerdict::Read(max_body_bytes);
  messages_.fetch_add(1, std::memory_order_relaxed);
  return HeadVerdict::Refuse(Refuse(head, family, status));
}

void HttpRouter::Handle(IncomingRequest request, Done done) {
  const absl::string_view path = request.Path();
  if (const auto page = pages_.find(path); page != pages_.end()) return done(page->second());
  messages_.fetch_add(1, std::memory_order_relaxed);
  const Route* const route = FindRoute(path);
  if (route == nullptr) return done(Refuse(request, "", NoSuchPath(path)));
  auto parameters = Parameters::FromQuery(request.Query());
  if (!parameters.ok()) return done(Refuse(request, route->row->name, parameters.status()));
  // Given up as soon as they are read; the rest is kept for what may be said of a refusal.
  const HttpHeaders headers = std::move(request.headers);
  const std::string body = std::move(request.body);
  const DeviceMessage message{
      .path = route->below, .parameters = *std::move(parameters), .headers = headers, .body = body};
  intake_->Submit(
      route->row->name, message,
      [this, route, request = std::move(request),
       done = std::move(done)](absl::StatusOr<std::vector<std::string>> ids) mutable {
        done(ids.ok() ? AcceptedResponse(*ids) : Refuse(request, route->row->name, ids.status()));
      });
}

HttpResponse HttpRouter::OnFault(const HttpFault& fault) {
  messages_.fetch_add(1, std::memory_order_relaxed);
  IncomingRequest request;
  request.peer = fault.peer;
  return Refuse(request, "", StatusOf(fault));
}

HttpResponse HttpRouter::Refuse(const IncomingRequest& request, absl::string_view family,
                                const absl::Status& status) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  HttpResponse response = ErrorResponse(status);
  Refusal refusal;
  refusal.peer = request.peer;
  refusal.method = request.method;
  if (!request.target.empty()) {
    std::tie(refusal.path, refusal.query) = MaskTarget(request.target);
  }
  refusal.family = std::string(family);
  refusal.status = response.status;
  refusal.reason = ReasonFor(status);
  refusal.nearest = MetadataOf(status)["nearest"];
  refusals_->Add(std::move(refusal));
  return response;
}

SourceStats HttpRouter::Stats() const {
  return {messages_.load(std::memory_order_relaxed), refused_.load(std::memory_order_relaxed)};
}

}  // namespace latchwire::edge
