// Tenants and their settings.
#include <algorithm>

#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kLastTenant[] = "SELECT max(id) FROM tenant";

}  // namespace

absl::Status Transaction::Apply(CreateTenant& create) {
  TenantId last = 0;
  {
    Query query = connection_.Use(kLastTenant);
    if (query.Next()) last = query.IntAt(0);
    if (!query.status().ok()) return query.status();
  }
  for (const auto& [id, row] : tenants_) {
    if (row.changed) last = std::max(last, id);  // made in this transaction, not yet written
  }
  const auto row = GetTenant(last + 1);
  if (!row.ok()) return row.status();
  Tenant& tenant = create.tenant;
  (*row)->settings = PackTenantSettings(tenant.settings);
  (*row)->created = PackTime(tenant.create_time);
  (*row)->changed = true;
  tenant.id = last + 1;
  tenant.generation = (*row)->generation;
  tenant.revision = (*row)->revision;
  tenant.stored_bytes = tenant.stored_events = 0;
  return absl::OkStatus();
}

absl::Status Transaction::Apply(UpdateTenant& update) {
  Tenant& tenant = update.tenant;
  const auto row = GetTenant(tenant.id);
  if (!row.ok()) return row.status();
  if (!(*row)->exists && !(*row)->changed) {
    update.status = TenantNotFoundError(tenant.id);
    return absl::OkStatus();
  }
  if (tenant.revision != 0 && tenant.revision != (*row)->revision) {
    update.status = TenantEtagMismatchError((*row)->revision);
    return absl::OkStatus();
  }
  update.given_revision = tenant.revision;
  (*row)->settings = PackTenantSettings(tenant.settings);
  ++(*row)->revision;
  (*row)->changed = true;
  tenant.revision = (*row)->revision;
  tenant.generation = (*row)->generation;
  tenant.create_time = UnpackTime((*row)->created);
  tenant.stored_bytes = (*row)->stored_bytes;
  tenant.stored_events = (*row)->stored_events;
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
