// latchwire.v1.EventService.
#pragma once

#include "latchwire/v1/event_service.pb.h"
#include "server/api/adapter.h"
#include "server/api/world.h"

namespace latchwire {

class EventService : public AuthenticatedService {
 public:
  EventService(const ApiWorld* world, const Authenticator* authenticator);

 private:
  void PublishEvent(const CallContext& caller, v1::PublishEventRequest* request,
                    v1::Event* response, Done done);
  void BatchPublishEvents(const CallContext& caller, v1::BatchPublishEventsRequest* request,
                          v1::BatchPublishEventsResponse* response, Done done);
  void GetEvent(const CallContext& caller, v1::GetEventRequest* request, v1::Event* response,
                Done done);
  void ListEvents(const CallContext& caller, v1::ListEventsRequest* request,
                  v1::ListEventsResponse* response, Done done);

  NewEvent Prepare(std::shared_ptr<Event> event) const;

  const ApiWorld& world_;
};

// The number of `events/{event}`: `event` itself if it is all digits, else looked up by id.
// EVENT_NOT_FOUND with `name`.
absl::StatusOr<int64_t> ResolveEvent(Store& store, TenantId tenant, absl::string_view event);

}  // namespace latchwire
