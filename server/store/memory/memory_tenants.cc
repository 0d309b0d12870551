#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {
namespace {

void NormalizeTimes(Tenant* tenant) {
  tenant->create_time = ToStoredTime(tenant->create_time);
  TenantSettings& settings = tenant->settings;
  settings.event_retention = ToStoredDuration(settings.event_retention);
  settings.max_held_time = ToStoredDuration(settings.max_held_time);
}

}  // namespace

void Tables::Apply(CreateTenant& create) {
  Tenant& tenant = create.tenant;
  const TenantId id = tenants.rbegin()->first + 1;
  TenantRow& row = tenants[id];
  tenant.id = id;
  tenant.generation = row.generation;
  tenant.revision = row.tenant.revision;
  tenant.stored_bytes = tenant.stored_events = 0;
  NormalizeTimes(&tenant);
  row.tenant = tenant;
}

void Tables::Apply(UpdateTenant& update) {
  Tenant& tenant = update.tenant;
  const auto row = tenants.find(tenant.id);
  if (row == tenants.end()) {
    update.status = TenantNotFoundError(tenant.id);
    return;
  }
  Tenant& stored = row->second.tenant;
  if (tenant.revision != 0 && tenant.revision != stored.revision) {
    update.status = TenantEtagMismatchError(stored.revision);
    return;
  }
  update.given_revision = tenant.revision;
  NormalizeTimes(&tenant);
  stored.settings = tenant.settings;
  ++stored.revision;
  tenant = stored;
  tenant.id = row->first;
  tenant.generation = row->second.generation;
}

}  // namespace latchwire::memory
