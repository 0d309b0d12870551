#include "edge-agent/sources/router.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "core/domain/limits.h"
#include "core/domain/validation.h"
#include "core/json/json_string.h"
#include "core/json/json_text.h"

namespace latchwire::edge {
namespace {

constexpr size_t kMaxRecent = 4096;
constexpr absl::Duration kDefaultRetryAfter = absl::Seconds(5);

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

IntakeResponse AcceptedResponse(const std::vector<std::string>& ids) {
  IntakeResponse response;
  response.body = "{\"accepted\":[";
  for (const std::string& id : ids) {
    absl::StrAppend(&response.body, response.body.back() == '[' ? "" : ",",
                    "{\"id\":", JsonQuote(id), "}");
  }
  response.body += "]}";
  return response;
}

absl::string_view PathOf(absl::string_view target) { return target.substr(0, target.find('?')); }

absl::Status StoredAlready() {
  return WithRetryAfter(MakeError(absl::StatusCode::kUnavailable, error_reason::kOverloaded,
                                  "this event is being stored already"),
                        absl::Seconds(1));
}

}  // namespace

IntakeResponse ErrorResponse(const absl::Status& status) {
  IntakeResponse response;
  response.http_status = HttpStatusOf(status);
  const std::map<std::string, std::string> metadata = MetadataOf(status);
  response.body = absl::StrCat("{\"error\":{\"code\":", response.http_status,
                               ",\"reason\":", JsonQuote(ReasonFor(status)),
                               ",\"message\":", JsonQuote(status.message()));
  for (const auto& [key, value] : metadata) {
    if (key == "allow") {
      response.headers.emplace_back("Allow", value);
    } else {
      absl::StrAppend(&response.body, ",", JsonQuote(key), ":", JsonQuote(value));
    }
  }
  response.body += "}}";
  if (response.http_status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (response.http_status == 503) {
    const absl::Duration wait = RetryAfterOf(status).value_or(kDefaultRetryAfter);
    response.headers.emplace_back("Retry-After", absl::StrCat(absl::ToInt64Seconds(wait)));
  }
  return response;
}

IntakeRouter::IntakeRouter(IntakeConfig config, EventSink* sink, const Clock* clock, Random* random,
                           std::function<std::string()> health)
    : sink_(sink), clock_(clock), random_(random), health_(std::move(health)) {
  if (!config.acogo.empty()) dialects_.push_back(MakeAcogoDialect(std::move(config.acogo)));
  if (!config.situator.empty()) {
    dialects_.push_back(MakeSituatorDialect(std::move(config.situator)));
  }
  if (!config.panel.empty()) dialects_.push_back(MakePanelDialect(std::move(config.panel)));
  if (!config.json.empty()) dialects_.push_back(MakeJsonDialect(std::move(config.json)));
}

const IntakeDialect* IntakeRouter::FindDialect(absl::string_view path) const {
  for (const auto& dialect : dialects_) {
    if (dialect->Handles(path)) return dialect.get();
  }
  return nullptr;
}

absl::Status IntakeRouter::CheckHead(absl::string_view method, absl::string_view target) const {
  const absl::string_view path = PathOf(target);
  absl::string_view allowed = "GET";
  if (path != "/healthz") {
    const IntakeDialect* dialect = FindDialect(path);
    if (dialect == nullptr) {
      return MakeError(absl::StatusCode::kNotFound, error_reason::kRouteNotFound,
                       "no such path, or a device family that is not configured");
    }
    allowed = dialect->Method();
  }
  if (method == allowed) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnimplemented, error_reason::kMethodNotAllowed,
                   absl::StrCat("this path takes ", allowed, " only"),
                   {{"allow", std::string(allowed)}});
}

void IntakeRouter::Handle(absl::string_view target, IntakeRequest request,
                          absl::AnyInvocable<void(IntakeResponse)> done) {
  request.path = std::string(PathOf(target));
  if (request.path == "/healthz") {
    IntakeResponse response;
    response.body = absl::StrCat("{\"status\":\"ok\"", health_ ? health_() : "", "}");
    done(std::move(response));
    return;
  }
  const auto refuse = [&](const absl::Status& status) {
    {
      MutexLock lock(&mutex_);
      ++stats_.refused_requests;
    }
    done(ErrorResponse(status));
  };
  const IntakeDialect* dialect = FindDialect(request.path);
  if (dialect == nullptr) return refuse(CheckHead("", target));
  const size_t question_mark = target.find('?');
  auto query = Query::Parse(
      question_mark == absl::string_view::npos ? "" : target.substr(question_mark + 1));
  if (!query.ok()) return refuse(query.status());
  request.query = *std::move(query);
  auto events = dialect->Read(request);
  if (!events.ok()) return refuse(events.status());
  if (absl::Status status = Finish(&*events); !status.ok()) return refuse(status);

  // Only panels number their events, and they send one at a time.
  std::string key;
  if (events->size() == 1) key = RepeatKey(events->front());
  if (!key.empty()) {
    std::string known;
    bool fresh = false;
    {
      MutexLock lock(&mutex_);
      const auto [it, inserted] = recent_.try_emplace(key);
      fresh = inserted;
      known = it->second;
      if (!fresh && !known.empty()) ++stats_.repeated_events;
    }
    if (!fresh && known.empty()) {
      return refuse(StoredAlready());
    }
    if (!fresh) {
      done(AcceptedResponse({known}));
      return;
    }
  }
  std::vector<std::string> ids;
  for (const Event& event : *events) ids.push_back(event.id);
  if (events->empty()) {
    done(AcceptedResponse(ids));
    return;
  }
  sink_->Accept(*std::move(events), [this, key, ids = std::move(ids),
                                     done = std::move(done)](absl::Status status) mutable {
    if (!key.empty()) Settle(key, status.ok(), ids.front());
    {
      MutexLock lock(&mutex_);
      if (status.ok()) {
        stats_.accepted_events += ids.size();
      } else {
        ++stats_.refused_requests;
      }
    }
    if (status.ok()) {
      done(AcceptedResponse(ids));
      return;
    }
    // Without the words of the disk, which are for the operator.
    done(ErrorResponse(
        absl::IsResourceExhausted(status)
            ? absl::ResourceExhaustedError(
                  "the agent's spool or its disk is full; nothing was taken in")
            : absl::UnavailableError("the agent cannot store events now; nothing was taken in")));
  });
}

absl::Status IntakeRouter::Finish(std::vector<Event>* events) const {
  const absl::Time now = clock_->Now();
  for (size_t i = 0; i < events->size(); ++i) {
    Event& event = (*events)[i];
    const std::string path = events->size() == 1 ? "event" : absl::StrCat("events[", i, "]");
    if (event.data.size() > kMaxEventDataBytes) {
      return MakeError(absl::StatusCode::kOutOfRange, error_reason::kRequestTooLarge,
                       absl::StrCat(path, " has ", event.data.size(), " bytes of data, of at most ",
                                    kMaxEventDataBytes),
                       {{"field", path}, {"limit_bytes", absl::StrCat(kMaxEventDataBytes)}});
    }
    const std::vector<FieldViolation> violations = Validate(event, path);
    if (!violations.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kFieldInvalid,
                       absl::StrCat(violations[0].field, " ", violations[0].description),
                       {{"field", violations[0].field}});
    }
    event.receive_time = now;
    event.id = Uuid::MakeV7(now, random_).ToString();
  }
  return absl::OkStatus();
}

std::string IntakeRouter::RepeatKey(const Event& event) {
  const auto id = event.attributes.find("event_id");
  if (id == event.attributes.end() || !absl::StartsWith(event.type, "log.")) return "";
  const auto created = event.attributes.find("created_at");
  return absl::StrCat(event.source, "\n", id->second, "\n",
                      created == event.attributes.end() ? "" : created->second);
}

void IntakeRouter::Settle(const std::string& key, bool accepted, const std::string& id) {
  MutexLock lock(&mutex_);
  if (!accepted) {
    recent_.erase(key);
    return;
  }
  recent_[key] = id;
  recent_order_.push_back(key);
  if (recent_order_.size() > kMaxRecent) {
    recent_.erase(recent_order_.front());
    recent_order_.pop_front();
  }
}

void IntakeRouter::Remember(const Event& event) {
  const std::string key = RepeatKey(event);
  if (!key.empty()) Settle(key, true, event.id);
}

IntakeStats IntakeRouter::Stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace latchwire::edge
