// latchwire.agent.v1.IngestService.
#pragma once

#include "server/api/adapter.h"
#include "server/api/ingest_stream.h"
#include "server/api/world.h"
#include "server/store/writer.h"

namespace latchwire {

// As an observer of the writer, registered after the catalogue, it ends the streams of deleted
// keys.
class IngestService : public AuthenticatedService, public CommitObserver {
 public:
  IngestService(const ApiWorld* world, const Authenticator* authenticator);

  void OnCommitted(absl::Span<const Mutation> mutations) override;
  // Ends all streams with SHUTTING_DOWN once what they have under way is acked.
  void Drain() { streams_.Drain(); }

 private:
  IngestStreams streams_{&calls()};
};

}  // namespace latchwire
