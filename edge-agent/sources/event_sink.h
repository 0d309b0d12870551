// The seam behind the intake: where its events go.
#pragma once

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/domain/event.h"

namespace latchwire::edge {

// Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // Keeps all events or none. Each has its id, type and receive_time; there is at least one. Calls
  // `done` once, from any thread: with OK after all are durable, with RESOURCE_EXHAUSTED if there
  // is no room now, and with UNAVAILABLE if they cannot be stored.
  virtual void Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) = 0;
};

}  // namespace latchwire::edge
