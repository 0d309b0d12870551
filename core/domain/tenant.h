// A tenant owns webhooks, events and API keys. Plain values.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/domain/limits.h"
#include "core/domain/webhook.h"

namespace latchwire {

// 0 means no limit.
struct TenantQuotas {
  double max_events_per_s = 0;   // accepted, from publishers and agents together
  int64_t max_stored_bytes = 0;  // as counted by Tenant::stored_bytes
  int64_t max_webhooks = 0;

  friend bool operator==(const TenantQuotas&, const TenantQuotas&) = default;
};

struct TenantSettings {
  std::string display_name;
  // Events, their deliveries and attempts are deleted when they are older than this...
  absl::Duration event_retention = kDefaultEventRetention;
  // ... but while a delivery of an event is pending, only this much later; then it expires.
  absl::Duration max_held_time = kDefaultHeldTime;
  TenantQuotas quotas;

  friend bool operator==(const TenantSettings&, const TenantSettings&) = default;
};

struct Tenant {
  TenantId id = 0;
  int64_t generation = 0;  // counts changes of its webhooks, its settings and its API keys
  int64_t revision = 0;    // counts changes of the settings; the etag
  TenantSettings settings;
  absl::Time create_time = absl::InfinitePast();
  // An estimate of what its events take, which does not depend on the driver.
  int64_t stored_bytes = 0;
  int64_t stored_events = 0;
};

}  // namespace latchwire
