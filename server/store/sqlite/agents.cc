#include <utility>

#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kSelectFence[] = "SELECT fence FROM agent WHERE tenant = ?1 AND name = ?2";
constexpr char kPutFence[] = "INSERT OR REPLACE INTO agent VALUES(?1, ?2, ?3)";
constexpr char kSelectCursor[] =
    "SELECT through, checksum FROM agent_cursor"
    " WHERE tenant = ?1 AND agent = ?2 AND epoch = ?3 AND lane = ?4";
constexpr char kPutCursor[] = "INSERT OR REPLACE INTO agent_cursor VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
constexpr char kInsertDropped[] =
    "INSERT INTO agent_dropped VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr char kTrimDropped[] =
    "DELETE FROM agent_dropped WHERE id <= (SELECT max(id) FROM agent_dropped) - ?1";
constexpr int64_t kKeptDroppedRanges = 10000;

// SQLite's integers are signed; epochs and sequences use all 64 bits.
int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }

}  // namespace

absl::Status Transaction::CheckStream(TenantId tenant, const AgentStream& stream,
                                      absl::Status* own) {
  Query query = connection_.Use(kSelectFence);
  query.Int(tenant).Text(stream.agent);
  std::optional<int64_t> current;
  if (query.Next()) current = query.IntAt(0);
  if (query.status().ok()) *own = latchwire::CheckStream(stream, current);
  return query.status();
}

absl::StatusOr<AgentCursor> Transaction::GetCursor(TenantId tenant, const AgentStream& stream,
                                                   int lane) {
  AgentCursor cursor;
  Query query = connection_.Use(kSelectCursor);
  query.Int(tenant).Text(stream.agent).Int(Signed(stream.epoch)).Int(lane);
  if (query.Next()) {
    cursor.through = static_cast<uint64_t>(query.IntAt(0));
    if (!query.IsNull(1)) cursor.checksum = static_cast<uint32_t>(query.IntAt(1));
  }
  if (!query.status().ok()) return query.status();
  return cursor;
}

absl::Status Transaction::PutCursor(TenantId tenant, const AgentStream& stream, int lane,
                                    const AgentCursor& cursor) {
  Query query = connection_.Use(kPutCursor);
  query.Int(tenant).Text(stream.agent).Int(Signed(stream.epoch)).Int(lane);
  query.Int(Signed(cursor.through));
  cursor.checksum.has_value() ? query.Int(*cursor.checksum) : query.Null();
  return query.Run();
}

absl::Status Transaction::Apply(const AppendFromAgent& append, Answer<AppendFromAgent>& answer) {
  absl::Status own;
  absl::Status status = CheckStream(append.tenant, append.stream, &own);
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;
  const auto cursor = GetCursor(append.tenant, append.stream, append.lane);
  if (!cursor.ok()) return cursor.status();
  own = CheckSequences(append, *cursor);
  if (own.ok()) status = CheckGeneration(append, &own);
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;

  absl::StatusOr<AppendResult> result;
  if (status = ApplyMatched(append, CountRepeated(append, *cursor), result); !status.ok()) {
    return status;
  }
  if (!result.ok()) {
    answer = result.status();
    return absl::OkStatus();
  }
  result->stats = CollectStats();
  answer = AppendFromAgent::Result{*std::move(result)};
  const AgentCursor after = CursorAfter(append, *cursor);
  if (after == *cursor) return absl::OkStatus();
  return PutCursor(append.tenant, append.stream, append.lane, after);
}

absl::Status Transaction::Apply(const RecordDropped& dropped, Answer<RecordDropped>& answer) {
  absl::Status own;
  absl::Status status = CheckStream(dropped.tenant, dropped.stream, &own);
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;
  const auto cursor = GetCursor(dropped.tenant, dropped.stream, dropped.lane);
  if (!cursor.ok()) return cursor.status();
  const auto after = CursorAfter(dropped, *cursor);
  if (!after.ok()) {
    answer = after.status();
    return absl::OkStatus();
  }
  answer = RecordDropped::Result();
  if (*after == *cursor) return absl::OkStatus();

  Query insert = connection_.Use(kInsertDropped);
  insert.Int(dropped.tenant).Text(dropped.stream.agent).Int(Signed(dropped.stream.epoch));
  insert.Int(dropped.lane).Int(Signed(cursor->through + 1)).Int(Signed(dropped.to));
  insert.Text(dropped.reason).Int(PackTime(dropped.now));
  if (status = insert.Run(); !status.ok()) return status;
  if (status = connection_.Use(kTrimDropped).Int(kKeptDroppedRanges).Run(); !status.ok()) {
    return status;
  }
  return PutCursor(dropped.tenant, dropped.stream, dropped.lane, *after);
}

absl::Status Transaction::Apply(const OpenAgentStream& open, Answer<OpenAgentStream>& answer) {
  OpenAgentStream::Result result;
  result.fence = 1;
  {
    Query query = connection_.Use(kSelectFence);
    query.Int(open.tenant).Text(open.agent);
    if (query.Next()) result.fence = query.IntAt(0) + 1;
    if (!query.status().ok()) return query.status();
  }
  for (int lane = 0; lane < kLaneCount; ++lane) {
    const auto cursor = GetCursor(open.tenant, {open.agent, open.epoch, 0}, lane);
    if (!cursor.ok()) return cursor.status();
    result.through[lane] = cursor->through;
  }
  answer = result;
  Query put = connection_.Use(kPutFence);
  return put.Int(open.tenant).Text(open.agent).Int(result.fence).Run();
}

}  // namespace latchwire::sqlite
