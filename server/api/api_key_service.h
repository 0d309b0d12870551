// latchwire.v1.ApiKeyService.
#pragma once

#include <google/protobuf/empty.pb.h>

#include "latchwire/v1/api_key_service.pb.h"
#include "server/api/adapter.h"
#include "server/api/world.h"

namespace latchwire {

class ApiKeyService : public AuthenticatedService {
 public:
  ApiKeyService(const ApiWorld* world, const Authenticator* authenticator);

 private:
  void CreateApiKey(const CallContext& caller, v1::CreateApiKeyRequest* request,
                    v1::ApiKey* response, Done done);
  void ListApiKeys(const CallContext& caller, v1::ListApiKeysRequest* request,
                   v1::ListApiKeysResponse* response, Done done);
  void DeleteApiKey(const CallContext& caller, v1::DeleteApiKeyRequest* request,
                    google::protobuf::Empty* response, Done done);

  // The tenant that `name` means for the caller; the caller's own if it is empty.
  absl::StatusOr<TenantId> TenantFor(const CallContext& caller, absl::string_view name,
                                     absl::string_view field) const;

  const ApiWorld& world_;
};

}  // namespace latchwire
