// How many events of a tenant are accepted in a second: TenantQuotas::max_events_per_s.
//
// A bucket per tenant that holds one second's worth (at least one event). A batch larger than the
// bucket passes when it is full, and leaves a debt that is paid off before the next.
#pragma once

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/state/configuration.h"

namespace latchwire {

// Thread-safe. Costs no lock of its own for tenants without the quota.
class EventQuota {
 public:
  EventQuota(const Clock* clock, const Configuration* configuration)
      : clock_(*clock), configuration_(*configuration) {}

  // Takes `events` and returns zero; or takes nothing and returns how long to wait.
  absl::Duration TryTake(TenantId tenant, size_t events);
  // QUOTA_EXCEEDED with the time to retry.
  absl::Status Take(TenantId tenant, size_t events);
  // Of events that were not stored after all.
  void GiveBack(TenantId tenant, size_t events);

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled_at;
  };

  const Clock& clock_;
  const Configuration& configuration_;
  Mutex mutex_;
  absl::flat_hash_map<TenantId, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire
