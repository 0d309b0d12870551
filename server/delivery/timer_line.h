// Wakes webhooks at their times: keeps many times in memory and sets one timer of the executor.
#pragma once

#include <cstdint>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/domain/webhook.h"

namespace latchwire {

// Times are wall-clock times, and the wall clock may jump: no timer runs for more than 30 seconds
// without another look at it, and when it has jumped every webhook in the line is due.
//
// All methods run on the executor's thread. Outlives the executor's last task.
class TimerLine {
 public:
  // A webhook's place in the line; only the line changes it. Must not be destroyed while it is set.
  struct Slot {
    absl::Time time = absl::InfiniteFuture();  // InfiniteFuture: not in the line
  };
  struct Callbacks {
    // The webhook's time has come and its slot is free again; or the clock has jumped, and the slot
    // is still set. May call Set.
    absl::AnyInvocable<void(WebhookKey)> due;
    // Called after all webhooks that are due.
    absl::AnyInvocable<void()> done;
  };

  TimerLine(Executor* executor, const Clock* clock, Callbacks callbacks);

  // Puts the webhook in the line at `time`, replacing its earlier time; InfiniteFuture takes it
  // out.
  void Set(WebhookKey webhook, Slot& slot, absl::Time time);

 private:
  void Arm();
  void OnTimer(uint64_t timer);
  bool WallClockJumped();

  Executor* const executor_;
  const Clock* const clock_;
  Callbacks callbacks_;
  absl::btree_map<std::pair<absl::Time, WebhookKey>, Slot*> line_;
  uint64_t timer_ = 0;  // the one that counts; those armed before are out of date
  absl::Time armed_ = absl::InfiniteFuture();
  // Wall time at monotonic zero, as last seen: it moves when the clock jumps.
  absl::Time wall_start_;
};

}  // namespace latchwire
