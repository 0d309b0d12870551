#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {

absl::StatusOr<Changes> PollChanges(Connection* connection, ChangeCursor after, int limit) {
  Changes changes;
  changes.next = after;
  int left = limit;
  Query query = connection->Use(kChangesAfter);
  query.Int(after).Int(static_cast<int64_t>(limit) + 1);
  while (query.Next()) {
    if (left-- == 0) {
      changes.more = true;
      break;
    }
    changes.next = query.IntAt(0);
    if (query.IntAt(1) == static_cast<int>(ChangeKind::kWork)) {
      changes.work.push_back(UnpackedKey(query.IntAt(2)));
    } else {
      changes.tenants.push_back({query.IntAt(2), query.IntAt(3)});
    }
  }
  if (!query.status().ok()) return query.status();
  return changes;
}

}  // namespace latchwire::sqlite
