// Converts an agent's messages to what its lanes hold, and checks limits and each event.
// Thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "latchwire/agent/v1/ingest_service.pb.h"
#include "server/ingest/ingest_lane.h"

namespace latchwire {

// The server states this limit in `welcome` and holds agents to it.
inline constexpr size_t kMaxUnackedEvents = 16384;
// Not told to agents: one with large events is simply read more slowly.
inline constexpr size_t kMaxUnackedBytes = 8 * 1024 * 1024;

absl::Status CheckHello(const agent::v1::Hello& hello);

// Moves the strings out of `batch`. An invalid event goes into `rejected` and never blocks others;
// an error means that the batch itself breaks the protocol. `bytes` is its size as received.
absl::StatusOr<LaneItem> BatchFromProto(agent::v1::EventBatch* batch, size_t bytes, TenantId tenant,
                                        const AgentStream& stream, absl::Time now);

absl::StatusOr<LaneItem> DroppedFromProto(const agent::v1::Dropped& dropped, TenantId tenant,
                                          const AgentStream& stream, absl::Time now);

}  // namespace latchwire
