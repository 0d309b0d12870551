// latchwire.agent.v1.IngestService.
#pragma once

#include <memory>

#include "server/api/adapter.h"
#include "server/api/world.h"
#include "server/ingest/ingest_stream.h"
#include "server/state/writer.h"

namespace latchwire {

// As an observer of the writer, it ends the streams of deleted keys.
class IngestService : public AuthenticatedService, public CommitObserver {
 public:
  // Registers with the writer: before its first step, and after the configuration registered.
  static std::unique_ptr<AuthenticatedService> Make(const ApiWorld* world,
                                                    const Authenticator* authenticator);
  IngestService(const ApiWorld* world, const Authenticator* authenticator);

  void OnCommitted(const WrittenBatch& batch) override;
  // Ends all streams with SHUTTING_DOWN once what they have under way is acked.
  void Drain() override { streams_.Drain(); }

 private:
  IngestStreams streams_{&calls()};
};

}  // namespace latchwire
