#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {

absl::StatusOr<std::vector<WebhookStats>> LoadStats(Connection* connection, WebhookKey after,
                                                    int limit) {
  std::vector<WebhookStats> stats;
  Query query = connection->Use(kLoadStats);
  query.Int(PackedKey(after)).Int(limit);
  while (query.Next()) stats.push_back(StatsFrom(query));
  if (!query.status().ok()) return query.status();
  return stats;
}

}  // namespace latchwire::sqlite
