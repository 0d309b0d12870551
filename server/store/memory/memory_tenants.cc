#include "server/store/driver/configuration_rules.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {

Tables::Answer<CreateTenant> Tables::Apply(const CreateTenant& create) {
  const TenantId id = tenants.rbegin()->first + 1;
  TenantRow& row = tenants[id];
  row.tenant.settings = ToStored(create.settings);
  row.tenant.create_time = ToStoredTime(create.create_time);
  tenant_changes[id] = ++last_change;
  return CreateTenant::Result{TenantOf(id, row)};
}

Tables::Answer<UpdateTenant> Tables::Apply(const UpdateTenant& update) {
  const auto row = tenants.find(update.tenant);
  if (row == tenants.end()) return TenantNotFoundError(update.tenant);
  Tenant& stored = row->second.tenant;
  if (absl::Status status = CheckRevision(update, stored.revision); !status.ok()) return status;
  stored.settings = ToStored(update.settings);
  ++stored.revision;
  ChangeConfiguration(update.tenant);
  return UpdateTenant::Result{TenantOf(row->first, row->second)};
}

Tenant TenantOf(TenantId id, const TenantRow& row) {
  Tenant tenant = row.tenant;
  tenant.id = id;
  tenant.generation = row.generation;
  return tenant;
}

}  // namespace latchwire::memory
