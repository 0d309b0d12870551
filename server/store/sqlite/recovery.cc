#include "core/domain/error.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {

absl::Status Transaction::Apply(CreateRecoveryJob& create) {
  create.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
  return absl::OkStatus();
}

absl::Status Transaction::Apply(StepRecoveryJob& step) {
  step.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
  return absl::OkStatus();
}

absl::Status Transaction::Apply(CancelRecoveryJob& cancel) {
  cancel.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
