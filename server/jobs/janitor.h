// Deletes what is past its time: rows of deleted webhooks, deliveries past their expiry, and events
// older than their tenant's retention.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "server/state/configuration.h"
#include "server/state/writer.h"

namespace latchwire {

// Readable from any thread.
struct JanitorCounters {
  std::atomic<int64_t> deleted_events = 0;      // since the start
  std::atomic<int64_t> expired_deliveries = 0;  // since the start; by the janitor alone
  std::atomic<int64_t> held_events = 0;         // now: kept past retention for pending deliveries
};

// Starts a round every `interval` and continues it while there is work left. Submits one mutation
// at a time, each of a bounded size that doubles while the work does not end, and after each rests
// three times as long as it took, so that others have at least three quarters of the writer.
//
// Runs on the executor and the writer's thread, never on both at once. Whatever `World` names
// outlives the executor's last task; nothing is submitted after the writer was closed.
class Janitor : public std::enable_shared_from_this<Janitor> {
 public:
  struct World {
    Executor* executor = nullptr;
    Clock* clock = nullptr;
    Writer* writer = nullptr;
    const Configuration* configuration = nullptr;
  };

  static std::shared_ptr<Janitor> Start(const World& world, absl::Duration interval);
  Janitor(const World& world, absl::Duration interval) : world_(world), interval_(interval) {}

  const JanitorCounters& counters() const { return counters_; }

 private:
  enum class Kind { kPurge, kExpire, kRetention };
  struct Task {
    Kind kind;
    TenantId tenant;  // kRetention only
    int limit;
  };

  // Called one after the other, never at once.
  void StartRound();
  void Next();
  template <typename M>
  void Submit(const Task& task, absl::Duration start, M mutation);
  DeleteOldEvents RetentionOf(const Task& task) const;
  void Ended(Task task, absl::Duration start, bool more);
  // Whether the task left work.
  bool Count(const Task& task, const PurgeDeleted::Result& purged);
  bool Count(const Task& task, const ExpireDeliveries::Result& expired);
  bool Count(const Task& task, const DeleteOldEvents::Result& deleted);
  void Wait(absl::Duration delay, void (Janitor::*then)());

  const World world_;
  const absl::Duration interval_;
  JanitorCounters counters_;
  std::vector<Task> tasks_;  // of this pass over the round's work
  size_t next_ = 0;          // in tasks_
  std::vector<Task> again_;  // of the next pass: those that left work
  bool stepping_ = false;    // a mutation is in flight
  absl::flat_hash_map<TenantId, int64_t> held_;
};

}  // namespace latchwire
