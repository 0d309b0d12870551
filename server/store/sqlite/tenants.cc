// Tenants and their settings.
#include <algorithm>
#include <utility>

#include "server/store/driver/configuration_rules.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kLastTenant[] = "SELECT max(id) FROM tenant";

}  // namespace

absl::Status Transaction::Apply(const CreateTenant& create, Answer<CreateTenant>& answer) {
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
  Tenant tenant;
  tenant.id = last + 1;
  tenant.generation = (*row)->generation;
  tenant.revision = (*row)->revision;
  tenant.settings = ToStored(create.settings);
  tenant.create_time = ToStoredTime(create.create_time);
  (*row)->settings = PackTenantSettings(tenant.settings);
  (*row)->created = PackTime(tenant.create_time);
  (*row)->changed = true;
  changed_tenants_.insert(tenant.id);
  answer = CreateTenant::Result{std::move(tenant)};
  return absl::OkStatus();
}

absl::Status Transaction::Apply(const UpdateTenant& update, Answer<UpdateTenant>& answer) {
  const auto row = GetTenant(update.tenant);
  if (!row.ok()) return row.status();
  absl::Status own = TenantNotFoundError(update.tenant);
  if ((*row)->exists || (*row)->changed) own = CheckRevision(update, (*row)->revision);
  if (!own.ok()) {
    answer = own;
    return absl::OkStatus();
  }
  Tenant tenant;
  tenant.id = update.tenant;
  tenant.generation = ChangeConfiguration(update.tenant, *row);
  tenant.revision = ++(*row)->revision;
  tenant.settings = ToStored(update.settings);
  tenant.create_time = UnpackTime((*row)->created);
  tenant.stored_bytes = (*row)->stored_bytes;
  tenant.stored_events = (*row)->stored_events;
  (*row)->settings = PackTenantSettings(tenant.settings);
  answer = UpdateTenant::Result{std::move(tenant)};
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
