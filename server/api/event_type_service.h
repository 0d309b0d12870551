// latchwire.v1.EventTypeService: core/catalogue as a resource.
#pragma once

#include <vector>

#include "core/catalogue/catalogue.h"
#include "latchwire/v1/event_type_service.pb.h"
#include "server/api/adapter.h"

namespace latchwire {

// Reads nothing but the catalogue, which is constant; answers at once.
class EventTypeService : public AuthenticatedService {
 public:
  explicit EventTypeService(const Authenticator* authenticator);

 private:
  // A type under one system. A canonical type is listed for `latchwire`, unless a system has a type
  // of that name: names of resources are unique.
  struct Entry {
    absl::string_view system;
    const CatalogueType* type;
  };

  void GetEventType(v1::GetEventTypeRequest* request, v1::EventType* response, Done done);
  void ListEventTypes(const CallContext& caller, v1::ListEventTypesRequest* request,
                      v1::ListEventTypesResponse* response, Done done);

  // The first entry whose name is not before `name`.
  std::vector<Entry>::const_iterator Seek(absl::string_view name) const;

  const std::vector<Entry> entries_;  // by name, each once
};

}  // namespace latchwire
