// Which leases a handle holds: whose work it need not tell other handles of. For drivers only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "server/store/mutations/leases.h"

namespace latchwire {

// Not thread-safe.
class HeldLeases {
 public:
  // An AcquireLeases of this handle was committed.
  void Set(const AcquireLeases::Result& acquired) { fences_ = acquired.fences; }
  // Whether it holds the partition's lease, whose fence is `current`. No fence is given twice, so
  // one that this handle was given, and that still stands, is its own.
  bool Holds(int partition, int64_t current) const {
    LATCHWIRE_DCHECK(partition >= 0 && partition < kPartitionCount);
    const int64_t held = fences_[static_cast<size_t>(partition)];
    return held != 0 && held == current;
  }

 private:
  std::array<int64_t, kPartitionCount> fences_{};
};

}  // namespace latchwire
