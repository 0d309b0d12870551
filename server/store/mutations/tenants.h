// Tenants and their settings.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "core/domain/tenant.h"

namespace latchwire {

// The store gives the id: 2, 3, ...
struct CreateTenant {
  TenantSettings settings;
  absl::Time create_time = absl::InfinitePast();

  struct Result {
    Tenant tenant;
  };
};

// Replaces the settings if the tenant's revision is still `revision`, and counts that and the
// generation up. Fails with
// ETAG_MISMATCH, with TENANT_NOT_FOUND.
struct UpdateTenant {
  TenantId tenant = 0;
  int64_t revision = 0;  // 0: whatever it is
  TenantSettings settings;

  struct Result {
    Tenant tenant;  // as it is now
  };
};

}  // namespace latchwire
