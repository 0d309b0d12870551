#include "core/domain/error.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

void Tables::Apply(CreateTenant& create) {
  create.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
}

void Tables::Apply(UpdateTenant& update) {
  update.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
}

}  // namespace latchwire::memory
