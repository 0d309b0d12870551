// API keys.
#pragma once

#include <string>

#include "core/domain/api_key.h"
#include "core/domain/tenant.h"

namespace latchwire {

// Fails with INTERNAL if a key with this id exists: ids are random.
struct CreateApiKey {
  ApiKey key;

  struct Result {};
};

// Fails with API_KEY_NOT_FOUND, also for a key of another tenant.
struct DeleteApiKey {
  TenantId tenant = 0;
  std::string id;

  struct Result {};
};

}  // namespace latchwire
