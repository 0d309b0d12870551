// The seam to the server: one stream of IngestService.Connect.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "latchwire/agent/v1/ingest_service.pb.h"

namespace latchwire::edge {

// For one thread, the executor that the connector was made with; all callbacks come there too.
class IngestStream {
 public:
  struct Callbacks {
    absl::AnyInvocable<void(agent::v1::ConnectResponse)> on_message;
    // The last Write is out of our hands; the next may come.
    absl::AnyInvocable<void()> on_written;
    // Exactly once, and last. OK when the server ended the stream in peace.
    absl::AnyInvocable<void(absl::Status)> on_done;
  };

  // May be dropped before on_done, which then still comes.
  virtual ~IngestStream() = default;
  // One at a time. On a stream that is broken nothing happens, on_done is on its way.
  virtual void Write(agent::v1::ConnectRequest request) = 0;
  virtual void FinishWrites() = 0;
  virtual void Cancel() = 0;
};

// Thread-safe.
class IngestConnector {
 public:
  virtual ~IngestConnector() = default;
  // Never fails; a server that cannot be reached shows as on_done.
  virtual std::shared_ptr<IngestStream> Connect(IngestStream::Callbacks callbacks) = 0;
};

}  // namespace latchwire::edge
