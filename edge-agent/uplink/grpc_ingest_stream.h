// The stream over gRPC.
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
  // TLS; without it the key travels in the clear.
  bool tls = false;
  // PEM of the authorities to trust; empty: the system's.
  std::string root_certificates = {};
};

// Keeps one connection and probes it, so that a peer that vanished is noticed within a minute.
std::unique_ptr<IngestConnector> MakeGrpcIngestConnector(GrpcIngestOptions options,
                                                         Executor* executor);

}  // namespace latchwire::edge
