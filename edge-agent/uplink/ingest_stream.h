// The seam to the server: one stream of IngestService.Connect.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "latchwire/agent/v1/ingest_service.pb.h"

namespace latchwire::edge {

// Used on one thread, that of the connector's executor, on which all callbacks come too.
class IngestStream {
 public:
  struct Callbacks {
    absl::AnyInvocable<void(agent::v1::ConnectResponse)> on_message;
    // The last Write has left the process, so the next one may follow.
    absl::AnyInvocable<void()> on_written;
    // Called exactly once, and last. OK when the server ended the stream in good order.
    absl::AnyInvocable<void(absl::Status)> on_done;
  };

  // May be destroyed before on_done, which still comes then.
  virtual ~IngestStream() = default;
  // One at a time: the next only after on_written. Does nothing on a broken stream, whose on_done is
  // still to come.
  virtual void Write(agent::v1::ConnectRequest request) = 0;
  virtual void FinishWrites() = 0;
  virtual void Cancel() = 0;
};

// Thread-safe.
class IngestConnector {
 public:
  virtual ~IngestConnector() = default;
  // Never fails: if the server cannot be reached, on_done is called.
  virtual std::shared_ptr<IngestStream> Connect(IngestStream::Callbacks callbacks) = 0;
};

}  // namespace latchwire::edge
