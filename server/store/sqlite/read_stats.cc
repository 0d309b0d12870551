#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {

absl::StatusOr<std::vector<WebhookStats>> LoadStats(Connection*, WebhookKey, int) {
  return std::vector<WebhookStats>();
}

}  // namespace latchwire::sqlite
