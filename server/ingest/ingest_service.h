// latchwire.agent.v1.IngestService.
#pragma once

#include <memory>

#include "server/api/adapter.h"
#include "server/api/world.h"
#include "server/ingest/ingest_stream.h"

namespace latchwire {

// Ends the streams of deleted keys.
class IngestService : public AuthenticatedService {
 public:
  // Listens to the configuration: before the writer's first step.
  static std::unique_ptr<AuthenticatedService> Make(const ApiWorld* world,
                                                    const Authenticator* authenticator);
  IngestService(const ApiWorld* world, const Authenticator* authenticator);

  // Ends all streams with SHUTTING_DOWN once what they have under way is acked.
  void Drain() override { streams_.Drain(); }

 private:
  IngestStreams streams_{&calls()};
};

}  // namespace latchwire
