// Decides which webhook may start its next attempt: every webhook gets its turn and a fair share of
// the attempts in flight.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "core/delivery/fair_share.h"
#include "core/domain/webhook.h"

namespace latchwire {

// A pure state machine. A webhook is in the line at most once; one that has its share of the
// attempts in flight waits apart, and comes back when attempts end.
class AttemptLine {
 public:
  // The line's state of one webhook; only the line changes it.
  struct Place {
    size_t in_flight = 0;
    bool waiting = false;  // in the line, or blocked
  };

  explicit AttemptLine(size_t max_in_flight)
      : max_in_flight_(max_in_flight), share_(max_in_flight) {}

  // Puts the webhook at the end of the line; does nothing if it is in the line already.
  void Enter(WebhookKey webhook, Place& place);
  // The webhook whose turn it is, taken out of the line. Follow with Leave or Block, unless the
  // webhook is gone. Nullopt if none waits or no more attempts may be in flight.
  std::optional<WebhookKey> Next();
  // The webhook has left the line, and may enter again.
  void Leave(Place& place);
  // The webhook has its share: it waits apart until Unblock.
  void Block(WebhookKey webhook, const Place& place);
  // Puts webhooks that had to leave room for others back in line, a few at a time: call it after
  // each End.
  void Unblock();

  // Whether its share allows one more attempt. `suspect`: see FairShare.
  bool MayStart(const Place& place, bool suspect) const {
    return share_.MayTake(place.in_flight, suspect);
  }
  void Start(Place& place, bool suspect);
  void End(Place& place, bool suspect);
  // The webhook has become a suspect, or is no longer one.
  void Reclassify(const Place& place, bool suspect) { share_.Reclassify(place.in_flight, suspect); }

  size_t in_flight() const { return share_.used(); }  // over all webhooks

 private:
  const size_t max_in_flight_;
  FairShare share_;
  std::deque<WebhookKey> line_;
  std::deque<WebhookKey> blocked_;
};

}  // namespace latchwire
