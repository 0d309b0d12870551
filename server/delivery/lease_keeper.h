// Holds this server's leases on partitions of webhooks: acquires them, renews them, gives them up.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "server/state/writer.h"

namespace latchwire {

// A partition is owned as long as its fence is known here. The lease's end is not watched: while
// the store cannot renew, attempts go on, because the fence and not the time decides which of them
// are recorded.
//
// All methods run on the executor's thread, except where they say otherwise. Outlives the
// executor's and the writer's last task.
class LeaseKeeper {
 public:
  using Partitions = std::bitset<kPartitionCount>;
  // Called after partitions were lost (also those that were lost and gained again, with a higher
  // fence) or gained.
  using Changed = absl::AnyInvocable<void(const Partitions& lost, bool gained)>;

  // `owner` is the same after a restart, so that a restarted server need not wait until its own
  // leases end.
  LeaseKeeper(Executor* executor, const Clock* clock, Writer* writer, std::string owner,
              absl::Duration duration, Changed changed);

  // Gives up what an earlier process with the same owner held, then takes all leases that are free
  // and renews them from then on. The higher fences keep out whatever that process still sends. Any
  // thread; once.
  void Start();
  // Renews now, out of turn, to learn what is still owned. Nothing after Stop.
  void Renew();
  // From now on nothing is owned here and nothing is renewed. The leases stay until Release, so
  // that attempts in flight can still be recorded under their fences.
  void Stop();
  // Gives up all leases, so that another server need not wait for their end; `done` runs on the
  // executor. After Stop.
  void Release(absl::AnyInvocable<void()> done);

  // Whether attempts for this webhook may start here.
  bool Owns(WebhookKey webhook) const {
    return !stopped_ && fences_[static_cast<size_t>(PartitionOf(webhook))] != 0;
  }
  // The fence under which an attempt for an owned webhook is recorded; never 0.
  int64_t FenceOf(WebhookKey webhook) const;
  bool stopped() const { return stopped_; }

 private:
  void OnAcquired(const absl::StatusOr<AcquireLeases::Result>& acquired);
  void RenewAfter(absl::Duration delay);

  Executor* const executor_;
  const Clock* const clock_;
  Writer* const writer_;
  const std::string owner_;
  const absl::Duration duration_;
  Changed changed_;
  std::array<int64_t, kPartitionCount> fences_{};  // 0: not owned
  uint64_t renewal_ = 0;  // the renewal that is waited for; others are out of date
  bool stopped_ = false;
};

}  // namespace latchwire
