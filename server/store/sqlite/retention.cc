#include "core/domain/error.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {

absl::Status Transaction::Apply(DeleteOldEvents& del) {
  del.status = MakeError(absl::StatusCode::kUnimplemented, "NOT_IMPLEMENTED", "not implemented");
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
