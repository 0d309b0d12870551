#include "server/ingest/ingest_service.h"

#include <utility>

namespace latchwire {

IngestService::IngestService(const ApiWorld* world, const Authenticator* authenticator)
    : AuthenticatedService("latchwire.agent.v1.IngestService", authenticator) {
  AddBidi<agent::v1::ConnectResponse>("Connect", [this, world](CallContext caller) {
    return IngestStream::Start(world, &streams_, std::move(caller));
  });
}

std::unique_ptr<AuthenticatedService> IngestService::Make(const ApiWorld* world,
                                                          const Authenticator* authenticator) {
  auto service = std::make_unique<IngestService>(world, authenticator);
  world->configuration->SetKeyListener(
      [service = service.get()](TenantId tenant, const std::string& id) {
        service->streams_.CloseKey(tenant, id);
      });
  return service;
}

}  // namespace latchwire
