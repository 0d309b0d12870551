#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {

absl::StatusOr<std::vector<Tenant>> LoadTenants(Connection* connection) {
  std::vector<Tenant> tenants;
  Query query = connection->Use(kLoadTenants);
  while (query.Next()) {
    Tenant& tenant = tenants.emplace_back();
    tenant.id = query.IntAt(0);
    tenant.generation = query.IntAt(1);
    tenant.revision = query.IntAt(2);
    absl::Status status = UnpackTenantSettings(query.BytesAt(3), &tenant.settings);
    if (!status.ok()) return status;
    tenant.create_time = UnpackTime(query.IntAt(4));
    tenant.stored_bytes = query.IntAt(5);
    tenant.stored_events = query.IntAt(6);
  }
  if (!query.status().ok()) return query.status();
  return tenants;
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
