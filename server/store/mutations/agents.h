// The streams of agents: their events, and where each lane is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/domain/event.h"
#include "server/store/mutations/append.h"

namespace latchwire {

// One stream of one agent.
struct AgentStream {
  std::string agent;
  uint64_t epoch = 0;
  int64_t fence = 0;  // from OpenAgentStream
};

struct AgentSequence {
  uint64_t sequence = 0;
  uint32_t checksum = 0;  // of the event as the agent sent it
};

// What an agent brings on one lane; moves the lane's cursor in the same transaction.
//
// Events up to the cursor are duplicates. Fails with AGENT_STREAM_FENCED if a newer stream of the
// agent was opened; with SEQUENCE_CONFLICT if the event at the cursor has another checksum now; with
// SEQUENCE_GAP (metadata `lane`, `expected`) if the batch begins past cursor + 1.
struct AppendFromAgent : MatchedEvents {
  AgentStream stream;
  int lane = 0;
  std::vector<AgentSequence> sequences;  // one for each event; ascending
  // The batch as the agent sent it. Events that were rejected at the entrance are missing among
  // `events`, so sequences may have gaps, but the cursor moves past them.
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;

  struct Result : AppendResult {};
};

// Sequences that will never come: moves the cursor past them. Fails as AppendFromAgent does.
struct RecordDropped {
  TenantId tenant = 0;
  AgentStream stream;
  int lane = 0;
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;
  absl::Time now;

  struct Result {};
};

// A stream opens: fences all older streams of this agent and reads its cursors in this epoch.
struct OpenAgentStream {
  TenantId tenant = 0;
  std::string agent;
  uint64_t epoch = 0;
  absl::Time now;

  struct Result {
    int64_t fence = 0;                           // higher than any that this agent had
    std::array<uint64_t, kLaneCount> through{};  // the last sequence of each lane; 0: none
  };
};

}  // namespace latchwire
