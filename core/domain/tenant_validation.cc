// What a tenant's settings must look like.
#include <limits>

#include "core/domain/limits.h"
#include "core/domain/validation.h"
#include "core/domain/violations.h"

namespace latchwire {

std::vector<FieldViolation> Validate(const TenantSettings& settings, absl::string_view prefix) {
  Violations violations(prefix);
  violations.CheckText("display_name", settings.display_name, kMaxDisplayNameLength);
  violations.CheckDuration("event_retention", settings.event_retention, kMinEventRetention,
                           kMaxEventRetention);
  violations.CheckDuration("max_held_time", settings.max_held_time, absl::ZeroDuration(),
                           kMaxHeldTime);
  const TenantQuotas& quotas = settings.quotas;
  if (quotas.max_events_per_s != 0) {
    violations.CheckRange("quotas.max_events_per_second", quotas.max_events_per_s,
                          kMinEventsPerSecond, kMaxEventsPerSecond);
  }
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  violations.CheckRange("quotas.max_stored_bytes", quotas.max_stored_bytes, int64_t{0}, kMax);
  violations.CheckRange("quotas.max_webhooks", quotas.max_webhooks, int64_t{0}, kMax);
  return violations.Take();
}

}  // namespace latchwire
