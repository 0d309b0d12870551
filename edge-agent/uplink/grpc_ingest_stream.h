// The IngestStream over gRPC.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/executor.h"
#include "edge-agent/uplink/ingest_stream.h"

namespace latchwire::edge {

struct GrpcIngestOptions {
  std::string server;  // host:port
  // The agent's key, `<id>.<secret>`; sent as `authorization: Bearer`.
  std::string key;
  // Whether to speak TLS; without it the key travels in the clear.
  bool tls = false;
  // PEM of the authorities to trust; empty means the system's.
  std::string root_certificates = {};
};

// The connector keeps one connection and probes it, so that it notices within a minute that the
// server vanished. `executor` outlives it.
std::unique_ptr<IngestConnector> MakeGrpcIngestConnector(GrpcIngestOptions options,
                                                         Executor* executor);

}  // namespace latchwire::edge
