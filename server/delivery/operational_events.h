// The events by which the server tells of its own deliveries: that one is dead, that a webhook was
// suspended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/domain/event.h"
#include "server/delivery/outcome_recorder.h"
#include "server/state/configuration.h"
#include "server/store/mutations/append.h"

namespace latchwire {

// Makes appends of events that some webhook asks for, matched against the configuration as it is
// now, to be stored in the transaction of what they tell of. They are never refused because of what
// they are stored with: no quota counts for them, and a full queue drops them.
//
// Belongs to the executor's thread.
class OperationalEvents {
 public:
  OperationalEvents(const Clock* clock, Random* random, const Configuration* configuration)
      : clock_(clock), random_(random), configuration_(configuration) {}

  // An id for an event that may be appended several times, until it is known to be stored.
  std::string MakeId() const;
  // About those of `entries` that have an operational_id, one append per tenant. None about
  // deliveries that carry such an event themselves.
  std::vector<MatchedEvents> AboutDead(absl::Span<const OutcomeRecorder::Entry> entries) const;
  // None if no other webhook asks for it: the suspended one cannot be told.
  std::optional<MatchedEvents> AboutSuspension(const Webhook& webhook, absl::string_view reason,
                                               absl::Time now) const;

 private:
  // Leaves only events that some webhook asks for; false if none is left.
  bool Match(MatchedEvents& append) const;

  const Clock* const clock_;
  Random* const random_;
  const Configuration* const configuration_;
};

}  // namespace latchwire
