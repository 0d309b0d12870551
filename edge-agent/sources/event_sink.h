// Where the intake's events go.
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
  // Takes all events or none; each has its id, type and receive_time. `done` is called once, from
  // any thread, when they are durable. RESOURCE_EXHAUSTED: full, try again later.
  virtual void Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) = 0;
};

}  // namespace latchwire::edge
