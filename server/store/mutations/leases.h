// Leases on partitions: which server delivers for which webhooks.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/domain/webhook.h"

namespace latchwire {

// A webhook belongs to one of these; a server owns partitions, never single deliveries.
inline constexpr int kPartitionCount = 256;
int PartitionOf(WebhookKey webhook);

// Acquires or prolongs leases for `owner` on every partition that is free, expired at `now`, or
// already its own. A partition that changes hands gets a higher fence; a prolonged lease keeps its.
struct AcquireLeases {
  std::string owner;  // not empty, and no other server's
  absl::Time now;
  absl::Duration duration;

  struct Result {
    std::array<int64_t, kPartitionCount> fences{};  // 0: owned by another
  };
};

// Gives up all leases of `owner`, so that another need not wait for their end.
struct ReleaseLeases {
  std::string owner;

  struct Result {};
};

}  // namespace latchwire
