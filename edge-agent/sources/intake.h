// All sources meet here: it turns a device's message into durable events.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/random.h"
#include "core/dialects/registry.h"
#include "edge-agent/sources/event_sink.h"
#include "edge-agent/sources/repeat_window.h"

namespace latchwire::edge {

// Credentials by family name; a family without any is switched off.
using IntakeConfig = std::map<std::string, std::vector<CredentialSettings>>;

struct IntakeFamilyStats {
  absl::string_view family;
  uint64_t accepted_events = 0;  // durable
  uint64_t repeated_events = 0;  // a device's own resends, answered and not taken again
};

// Thread-safe.
class Intake {
 public:
  // The ids of the message's events in order, or why nothing was taken.
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)>;

  // INVALID_ARGUMENT for an unknown family, or for settings that it refuses. What the pointers name
  // must outlive the intake, and the intake must outlive the sink's calls of `done`.
  static absl::StatusOr<std::unique_ptr<Intake>> Make(const IntakeConfig& config, EventSink* sink,
                                                      const Clock* clock, Random* random);

  // The families that are switched on, in the order of the table.
  std::vector<const DialectRow*> Families() const;
  // Warnings for the operator, each starting with its family's name.
  std::vector<std::string> Warnings() const;

  // Reads the message by the family's dialect, and hands its events to the sink. `done` is called
  // once, from any thread; with ids only after every event of the message is durable. An event that
  // was taken before is answered with its id and not taken again. Errors are those of
  // Dialect::Read; NOT_FOUND for a family that is not switched on; OUT_OF_RANGE and
  // INVALID_ARGUMENT for events against the limits; RESOURCE_EXHAUSTED and UNAVAILABLE for a sink
  // that takes nothing now, and for a repeat of an event that is not durable yet.
  void Submit(absl::string_view family, const DeviceMessage& message, Done done);

  // Makes a resend of this event known; called for events that the spool holds at start.
  void Remember(const Event& event);

  std::vector<IntakeFamilyStats> Stats() const;

 private:
  struct Family {
    const DialectRow* row;
    std::unique_ptr<Dialect> dialect;
  };
  struct Batch;

  Intake(EventSink* sink, const Clock* clock, Random* random);
  absl::Status Finish(std::vector<DeviceEvent>* events) const;
  // Sorts out repeats. UNAVAILABLE if one of them is on its way to the disk.
  absl::Status Begin(size_t family, std::vector<DeviceEvent> events, Batch* batch);
  void Settle(const Batch& batch, bool durable);

  std::vector<Family> families_;
  EventSink* const sink_;
  const Clock* const clock_;
  Random* const random_;

  mutable Mutex mutex_;
  std::vector<IntakeFamilyStats> stats_ ABSL_GUARDED_BY(mutex_);  // by index in families_
  RepeatWindow repeats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire::edge
