#include "server/delivery/timer_line.h"

#include <algorithm>
#include <vector>

#include "core/base/check.h"

namespace latchwire {
namespace {

constexpr absl::Duration kMaxTimer = absl::Seconds(30);
// A wall clock that deviates by more than this from its expected time has jumped.
constexpr absl::Duration kWallJump = absl::Milliseconds(500);

}  // namespace

TimerLine::TimerLine(Executor* executor, const Clock* clock, Callbacks callbacks)
    : executor_(executor),
      clock_(clock),
      callbacks_(std::move(callbacks)),
      wall_start_(clock->Now() - clock->Monotonic()) {}

void TimerLine::Set(WebhookKey webhook, Slot& slot, absl::Time time) {
  if (slot.time == time) return;
  if (slot.time != absl::InfiniteFuture()) {
    const size_t erased = line_.erase({slot.time, webhook});
    LATCHWIRE_CHECK(erased == 1, "webhook ", webhook.uid, " has a time and is not in the line");
  }
  slot.time = time;
  if (time == absl::InfiniteFuture()) return;
  line_.emplace(std::pair(time, webhook), &slot);
  Arm();
}

void TimerLine::Arm() {
  if (line_.empty() || line_.begin()->first.first >= armed_) return;
  armed_ = line_.begin()->first.first;
  const absl::Duration delay = std::clamp(armed_ - clock_->Now(), absl::ZeroDuration(), kMaxTimer);
  executor_->PostAfter(delay, [this, timer = ++timer_] { OnTimer(timer); });
}

void TimerLine::OnTimer(uint64_t timer) {
  if (timer != timer_) return;  // another was armed since, for an earlier time
  armed_ = absl::InfiniteFuture();
  if (WallClockJumped()) {
    // Breakers and rates wait on the monotonic clock, but their times here are wall time.
    std::vector<WebhookKey> all;
    all.reserve(line_.size());
    for (const auto& [place, slot] : line_) all.push_back(place.second);
    for (const WebhookKey& webhook : all) callbacks_.due(webhook);
  }
  const absl::Time now = clock_->Now();
  while (!line_.empty() && line_.begin()->first.first <= now) {
    const auto [place, slot] = *line_.begin();
    LATCHWIRE_DCHECK(slot->time == place.first);
    Set(place.second, *slot, absl::InfiniteFuture());
    callbacks_.due(place.second);
  }
  Arm();
  callbacks_.done();
}

bool TimerLine::WallClockJumped() {
  const absl::Time wall_start = clock_->Now() - clock_->Monotonic();
  if (AbsDuration(wall_start - wall_start_) < kWallJump) return false;
  wall_start_ = wall_start;
  return true;
}

}  // namespace latchwire
