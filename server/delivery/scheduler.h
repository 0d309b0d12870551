// What the engine's parts ask of the engine: to look at a webhook again after a change, and to use
// capacity that has become free.
#pragma once

#include "server/delivery/webhook_entry.h"

namespace latchwire {

// All methods run on the executor's thread.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // The state of `entry` has changed: puts it in line for whatever it can do next. Starts nothing,
  // and erases no entry.
  virtual void Reschedule(WebhookEntry& entry) = 0;
  // Starts attempts and loads, as far as there is room for them. Called once at the end of a task
  // that rescheduled entries or freed room.
  virtual void Dispatch() = 0;
};

}  // namespace latchwire
