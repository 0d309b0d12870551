// Clears away what has had its time: rows of deleted webhooks, deliveries past their expiry, and
// events older than their tenant keeps.
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

// Read by any thread while the janitor counts.
struct JanitorCounters {
  std::atomic<int64_t> deleted_events = 0;
  std::atomic<int64_t> expired_deliveries = 0;  // by it, not when their attempt was due
  std::atomic<int64_t> held_events = 0;         // now: kept past their time for pending deliveries
};

// Looks every `interval`, and goes on while there is more: one mutation at a time, each of a
// bounded size that grows while the work does not end, and after each it rests three times as long
// as that took, so that others have at least three quarters of the writer. The executor, the
// configuration and the writer outlive what is under way; nothing runs after the writer was closed.
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
  void Ended(Task task, absl::Duration start, const Mutation& mutation);
  Mutation MutationOf(const Task& task) const;
  // Whether there is more to do now.
  bool Count(const Task& task, const Mutation& mutation);
  void Wait(absl::Duration delay, void (Janitor::*then)());

  const World world_;
  const absl::Duration interval_;
  JanitorCounters counters_;
  std::vector<Task> tasks_;  // of this pass
  size_t next_ = 0;
  std::vector<Task> again_;  // of the next one: those that were not done
  absl::flat_hash_map<TenantId, int64_t> held_;
};

}  // namespace latchwire
