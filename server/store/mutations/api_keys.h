// API keys. Each change moves the tenant's generation on by one.
#pragma once

#include <cstdint>
#include <string>

#include "core/domain/api_key.h"
#include "core/domain/tenant.h"

namespace latchwire {

// Fails with INTERNAL if a key with this id exists: ids are random.
struct CreateApiKey {
  ApiKey key;

  struct Result {
    int64_t generation = 0;  // of the tenant, now
  };
};

// Fails with API_KEY_NOT_FOUND, also for a key of another tenant.
struct DeleteApiKey {
  TenantId tenant = 0;
  std::string id;

  struct Result {
    int64_t generation = 0;  // of the tenant, now
  };
};

}  // namespace latchwire
