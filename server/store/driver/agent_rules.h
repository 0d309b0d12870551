// How the cursors of agents' lanes move. For drivers only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/mutations/agents.h"

namespace latchwire {

// Where a lane is.
struct AgentCursor {
  uint64_t through = 0;              // the last sequence that was stored, rejected or dropped
  std::optional<uint32_t> checksum;  // of the event at `through`, if one was stored there

  friend bool operator==(const AgentCursor&, const AgentCursor&) = default;
};

// AGENT_STREAM_FENCED unless `current` is the stream's fence; nothing: no stream was ever opened.
absl::Status CheckStream(const AgentStream& stream, std::optional<int64_t> current);

// SEQUENCE_GAP, SEQUENCE_CONFLICT; INTERNAL if sequences do not ascend, a fault of the caller.
absl::Status CheckSequences(const AppendFromAgent& append, const AgentCursor& cursor);
// Number of events at the beginning of the append that the cursor has passed already.
size_t CountRepeated(const AppendFromAgent& append, const AgentCursor& cursor);
// The cursor after the append.
AgentCursor CursorAfter(const AppendFromAgent& append, const AgentCursor& cursor);

// The cursor after the drop; `cursor` itself if there is nothing to do. SEQUENCE_GAP.
absl::StatusOr<AgentCursor> CursorAfter(const RecordDropped& dropped, const AgentCursor& cursor);

}  // namespace latchwire
