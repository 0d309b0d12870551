#include "server/delivery/attempt_line.h"

#include <algorithm>

#include "core/base/check.h"

namespace latchwire {
namespace {

constexpr size_t kUnblockedTurns = 4;

}  // namespace

void AttemptLine::Enter(WebhookKey webhook, Place& place) {
  if (place.waiting) return;
  place.waiting = true;
  line_.push_back(webhook);
}

std::optional<WebhookKey> AttemptLine::Next() {
  if (line_.empty() || share_.used() >= max_in_flight_) return std::nullopt;
  const WebhookKey webhook = line_.front();
  line_.pop_front();
  return webhook;
}

void AttemptLine::Leave(Place& place) {
  LATCHWIRE_DCHECK(place.waiting);
  place.waiting = false;
}

void AttemptLine::Block(WebhookKey webhook, const Place& place) {
  LATCHWIRE_DCHECK(place.waiting);
  blocked_.push_back(webhook);
}

void AttemptLine::Unblock() {
  // One answer makes room for one or a few. With none in flight no answer would come and do it.
  const size_t turns =
      share_.used() == 0 ? blocked_.size() : std::min(blocked_.size(), kUnblockedTurns);
  for (size_t i = 0; i < turns; ++i) {
    line_.push_back(blocked_.front());
    blocked_.pop_front();
  }
}

void AttemptLine::Start(Place& place, bool suspect) {
  share_.Take(1, suspect);
  ++place.in_flight;
}

void AttemptLine::End(Place& place, bool suspect) {
  LATCHWIRE_CHECK(place.in_flight > 0, "an attempt ended that never started");
  share_.Give(1, suspect);
  --place.in_flight;
}

}  // namespace latchwire
