#include "core/domain/error.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

void Tables::Apply(CreateRecoveryJob& create) {
  create.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
}

void Tables::Apply(StepRecoveryJob& step) {
  step.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
}

void Tables::Apply(CancelRecoveryJob& cancel) {
  cancel.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
}

}  // namespace latchwire::memory
