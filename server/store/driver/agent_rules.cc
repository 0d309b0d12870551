#include "server/store/driver/agent_rules.h"

#include <algorithm>

#include "core/base/check.h"
#include "server/store/driver/driver_errors.h"

namespace latchwire {

absl::Status CheckStream(const AgentStream& stream, std::optional<int64_t> current) {
  return current == stream.fence ? absl::OkStatus() : AgentStreamFencedError(stream.agent);
}

absl::Status CheckSequences(const AppendFromAgent& append, const AgentCursor& cursor) {
  LATCHWIRE_CHECK(append.sequences.size() == append.events.size());
  uint64_t first = append.first_sequence;
  if (first == 0 && !append.sequences.empty()) first = append.sequences.front().sequence;
  if (first > cursor.through + 1) return SequenceGapError(append.lane, cursor.through + 1);
  uint64_t previous = 0;
  for (const auto& [sequence, checksum] : append.sequences) {
    if (sequence <= previous) return SequenceOrderError(append.lane, sequence);
    previous = sequence;
    if (sequence == cursor.through && cursor.checksum.has_value() && *cursor.checksum != checksum) {
      return SequenceConflictError(append.lane, sequence);
    }
  }
  return absl::OkStatus();
}

size_t CountRepeated(const AppendFromAgent& append, const AgentCursor& cursor) {
  const auto first_new = std::partition_point(
      append.sequences.begin(), append.sequences.end(),
      [&](const AgentSequence& each) { return each.sequence <= cursor.through; });
  return static_cast<size_t>(first_new - append.sequences.begin());
}

AgentCursor CursorAfter(const AppendFromAgent& append, const AgentCursor& cursor) {
  AgentCursor after = cursor;
  if (!append.sequences.empty() && append.sequences.back().sequence > after.through) {
    after = {append.sequences.back().sequence, append.sequences.back().checksum};
  }
  if (append.last_sequence > after.through) after = {append.last_sequence, std::nullopt};
  return after;
}

absl::StatusOr<AgentCursor> CursorAfter(const RecordDropped& dropped, const AgentCursor& cursor) {
  if (dropped.from > cursor.through + 1) {
    return SequenceGapError(dropped.lane, cursor.through + 1);
  }
  if (dropped.to <= cursor.through) return cursor;
  return AgentCursor{dropped.to, std::nullopt};
}

}  // namespace latchwire
