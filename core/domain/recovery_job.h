// A job that makes many deliveries pending again. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/webhook.h"

namespace latchwire {

// The values are stored: never change one.
enum class RecoveryJobState { kRunning = 1, kSucceeded = 2, kCancelled = 3 };

struct RecoveryJob {
  TenantId tenant = 0;
  int64_t number = 0;  // counts the tenant's jobs: 1, 2, ...
  std::string id;      // UUID

  // Selects deliveries; all conditions must hold.
  int64_t webhook_uid = 0;                                     // 0: any webhook
  std::vector<DeliveryState> states = {DeliveryState::kDead};  // any but kPending
  absl::Time created_from = absl::InfinitePast();              // made at or after this
  absl::Time created_before = absl::InfiniteFuture();          // made before this
  EventMatch event_match;                                      // empty parts: any

  RecoveryJobState state = RecoveryJobState::kRunning;
  int64_t examined_count = 0;   // deliveries looked at
  int64_t recovered_count = 0;  // made pending
  absl::Time create_time;
  absl::Time end_time = absl::InfiniteFuture();  // InfiniteFuture while running

  // The next delivery to examine. Events after last_number are left out, so that the job ends.
  int64_t next_uid = 0;
  int64_t next_number = 0;
  int64_t last_number = 0;
};

}  // namespace latchwire
