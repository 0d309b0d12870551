#include "core/domain/error.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

void Tables::Apply(ExpireDeliveries& expire) {
  expire.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
}

}  // namespace latchwire::memory
