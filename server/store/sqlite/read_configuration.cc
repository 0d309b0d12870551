#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {

namespace {

// A row of kLoadTenants or kGetTenant.
absl::Status TenantFrom(const Query& row, Tenant* tenant) {
  tenant->id = row.IntAt(0);
  tenant->generation = row.IntAt(1);
  tenant->revision = row.IntAt(2);
  tenant->create_time = UnpackTime(row.IntAt(4));
  tenant->stored_bytes = row.IntAt(5);
  tenant->stored_events = row.IntAt(6);
  return UnpackTenantSettings(row.BytesAt(3), &tenant->settings);
}

}  // namespace

absl::StatusOr<std::vector<Tenant>> LoadTenants(Connection* connection) {
  std::vector<Tenant> tenants;
  Query query = connection->Use(kLoadTenants);
  while (query.Next()) {
    absl::Status status = TenantFrom(query, &tenants.emplace_back());
    if (!status.ok()) return status;
  }
  if (!query.status().ok()) return query.status();
  return tenants;
}

absl::StatusOr<Tenant> GetTenant(Connection* connection, TenantId id) {
  Tenant tenant;
  Query query = connection->Use(kGetTenant);
  query.Int(id);
  if (query.Next()) {
    if (absl::Status status = TenantFrom(query, &tenant); !status.ok()) return status;
    return tenant;
  }
  if (!query.status().ok()) return query.status();
  return TenantNotFoundError(id);
}

absl::StatusOr<std::vector<Webhook>> LoadWebhooks(Connection* connection, WebhookKey after,
                                                  int limit) {
  std::vector<Webhook> webhooks;
  Query query = connection->Use(kLoadWebhooks);
  query.Int(PackedKey(after)).Int(limit);
  while (query.Next()) {
    absl::Status status = WebhookFrom(query, &webhooks.emplace_back());
    if (!status.ok()) return status;
  }
  if (!query.status().ok()) return query.status();
  return webhooks;
}

absl::StatusOr<std::vector<ApiKey>> LoadApiKeys(Connection* connection) {
  std::vector<ApiKey> keys;
  Query query = connection->Use(kLoadApiKeys);
  while (query.Next()) {
    ApiKey& key = keys.emplace_back();
    key.tenant = query.IntAt(0);
    key.id = query.StringAt(1);
    key.secret_hash = query.StringAt(2);
    key.role = static_cast<Role>(query.IntAt(3));
    key.agent = query.StringAt(4);
    key.display_name = query.StringAt(5);
    key.create_time = UnpackTime(query.IntAt(6));
  }
  if (!query.status().ok()) return query.status();
  return keys;
}

}  // namespace latchwire::sqlite
