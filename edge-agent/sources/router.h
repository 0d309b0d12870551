// From a device's request to its answer, without a word of sockets.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/random.h"
#include "core/dialects/dialect.h"
#include "edge-agent/sources/event_sink.h"

namespace latchwire::edge {

struct IntakeResponse {
  int http_status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // Allow, Retry-After, WWW-Authenticate
  std::string body;                                          // JSON
};

struct IntakeStats {
  uint64_t accepted_events = 0;
  uint64_t repeated_events = 0;  // a panel's own resends, answered and not taken again
  uint64_t refused_requests = 0;
};

// {"error":{"code":400,"reason":"FIELD_INVALID","message":"...","field":"..."}}. Statuses: 400
// INVALID_ARGUMENT, 401 UNAUTHENTICATED, 404 NOT_FOUND, 405 UNIMPLEMENTED (with Allow), 408
// DEADLINE_EXCEEDED, 413 OUT_OF_RANGE, 503 RESOURCE_EXHAUSTED and UNAVAILABLE (with Retry-After),
// else 500.
IntakeResponse ErrorResponse(const absl::Status& status);

// Thread-safe.
class IntakeRouter {
 public:
  // `health` gives the members of /healthz's answer behind "status", such as `,"held_records":3`.
  IntakeRouter(IntakeConfig config, EventSink* sink, const Clock* clock, Random* random,
               std::function<std::string()> health);

  // What is wrong with the head alone: unknown path, wrong method. To be asked before the body is
  // read.
  absl::Status CheckHead(absl::string_view method, absl::string_view target) const;

  // `request.path` and `query` are out of `target`. `done` is called once, from any thread; with
  // 200 and {"accepted":[{"id":"..."}]} only after every event of the request is durable.
  void Handle(absl::string_view target, IntakeRequest request,
              absl::AnyInvocable<void(IntakeResponse)> done);

  // Makes a panel's resend of this event known; for those that the spool holds at start.
  void Remember(const Event& event);

  IntakeStats Stats() const;

 private:
  const IntakeDialect* FindDialect(absl::string_view path) const;
  absl::Status Finish(std::vector<Event>* events) const;
  static std::string RepeatKey(const Event& event);
  void Settle(const std::string& key, bool accepted, const std::string& id);

  std::vector<std::unique_ptr<IntakeDialect>> dialects_;
  EventSink* const sink_;
  const Clock* const clock_;
  Random* const random_;
  const std::function<std::string()> health_;

  mutable Mutex mutex_;
  mutable IntakeStats stats_ ABSL_GUARDED_BY(mutex_);
  // By (source, event_id, created_at), the id of the event taken; empty while it is not durable
  // yet.
  absl::flat_hash_map<std::string, std::string> recent_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> recent_order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire::edge
