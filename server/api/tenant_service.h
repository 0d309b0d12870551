// latchwire.v1.TenantService.
#pragma once

#include <memory>

#include "latchwire/v1/tenant_service.pb.h"
#include "server/api/adapter.h"
#include "server/api/world.h"

namespace latchwire {

class TenantService : public AuthenticatedService {
 public:
  TenantService(const ApiWorld* world, const Authenticator* authenticator);

 private:
  struct Update;

  void CreateTenant(const CallContext& caller, v1::CreateTenantRequest* request,
                    v1::Tenant* response, Done done);
  void GetTenant(const CallContext& caller, v1::GetTenantRequest* request, v1::Tenant* response,
                 Done done);
  void ListTenants(const CallContext& caller, v1::ListTenantsRequest* request,
                   v1::ListTenantsResponse* response, Done done);
  void UpdateTenant(const CallContext& caller, v1::UpdateTenantRequest* request,
                    v1::Tenant* response, Done done);

  // The tenant that `name` means for the caller: any for operators, their own for all others.
  absl::StatusOr<Tenant> Resolve(const CallContext& caller, absl::string_view name,
                                 absl::string_view field) const;
  void Show(const Tenant& tenant, v1::Tenant* response) const;
  void TryUpdate(std::shared_ptr<Update> update);

  const ApiWorld& world_;
};

}  // namespace latchwire
