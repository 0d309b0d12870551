// Webhooks, API keys and leases.
#include <memory>
#include <utility>

#include "server/store/driver/configuration_rules.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/rows.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kFindWebhook[] = "SELECT 1 FROM webhook WHERE tenant = ?1 AND id = ?2";
constexpr char kPutWebhook[] =
    "INSERT OR REPLACE INTO webhook VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr char kDeleteWebhook[] = "DELETE FROM webhook WHERE key = ?1";
constexpr char kInsertDeleted[] = "INSERT INTO deleted_webhook VALUES(?1)";
constexpr char kSelectDeleted[] = "SELECT key FROM deleted_webhook ORDER BY key LIMIT 1";
constexpr char kPurgeDeleted[] = "DELETE FROM deleted_webhook WHERE key = ?1";
constexpr char kPurgeWork[] = "DELETE FROM change WHERE kind = 2 AND key = ?1";
// Attempts first: a delivery row that is gone would leave its attempts behind.
constexpr char kPurgeAttempts[] =
    "DELETE FROM attempt WHERE (webhook, number, attempt) IN"
    " (SELECT webhook, number, attempt FROM attempt WHERE webhook = ?1 LIMIT ?2)";
constexpr char kPurgeDeliveries[] =
    "DELETE FROM delivery WHERE (webhook, number) IN"
    " (SELECT webhook, number FROM delivery WHERE webhook = ?1 LIMIT ?2)";
constexpr char kFindApiKey[] = "SELECT tenant FROM api_key WHERE id = ?1";
constexpr char kInsertApiKey[] = "INSERT INTO api_key VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr char kDeleteApiKey[] = "DELETE FROM api_key WHERE id = ?1";
constexpr char kSelectLeases[] = "SELECT partition, owner, fence, expires FROM lease";
constexpr char kPutLease[] = "INSERT OR REPLACE INTO lease VALUES(?1, ?2, ?3, ?4)";
constexpr char kReleaseLeases[] = "UPDATE lease SET owner = '', expires = ?2 WHERE owner = ?1";

absl::Status PutWebhook(Connection* connection, const Webhook& webhook) {
  const std::string config = PackWebhook(webhook);
  Query query = connection->Use(kPutWebhook);
  query.Int(PackedKey(webhook.key)).Int(webhook.key.tenant).Text(webhook.id);
  query.Int(webhook.revision).Int(static_cast<int>(webhook.state));
  return query.Text(webhook.display_name).Text(webhook.url).Blob(config).Run();
}

}  // namespace

absl::Status Transaction::Apply(const CreateWebhook& create, Answer<CreateWebhook>& answer) {
  const TenantId tenant_id = create.webhook.key.tenant;
  absl::Status own;
  {
    Query query = connection_.Use(kFindWebhook);
    query.Int(tenant_id).Text(create.webhook.id);
    if (query.Next()) own = WebhookExistsError(create.webhook.id);
    if (!query.status().ok()) return query.status();
  }
  if (own.ok() && create.max_webhooks > 0) {
    Query query = connection_.Use(kCountWebhooks);
    query.Int(tenant_id).Int(create.max_webhooks);
    if (query.Next()) own = CheckWebhookQuota(create, query.IntAt(0));
    if (!query.status().ok()) return query.status();
  }
  if (!own.ok()) {
    answer = own;
    return absl::OkStatus();
  }
  const auto tenant = GetTenant(tenant_id);
  if (!tenant.ok()) return tenant.status();
  auto webhook = std::make_shared<const Webhook>(NewWebhook(create, (*tenant)->next_uid++));
  webhooks_.erase(webhook->key);
  absl::Status status = PutWebhook(&connection_, *webhook);
  answer = CreateWebhook::Result{std::move(webhook), ChangeConfiguration(tenant_id, *tenant)};
  return status;
}

absl::Status Transaction::Apply(const UpdateWebhook& update, Answer<UpdateWebhook>& answer) {
  const WebhookKey key = update.webhook.key;
  const auto stored = ReadWebhook(&connection_, key);
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  absl::StatusOr<Webhook> changed =
      stored.ok() ? ChangedWebhook(update, *stored) : absl::StatusOr<Webhook>(stored.status());
  absl::Status own = changed.status();
  absl::Status status;
  for (const MatchedEvents& append : update.operational) {
    if (status.ok() && own.ok()) status = CheckGeneration(append, &own);
  }
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;

  if (StartsAnew(*stored, *changed)) {
    const auto row = GetStats(key);
    if (!row.ok()) return row.status();
    if ((*row)->stats.consecutive_failures > 0) {
      Touch(*row);
      ClearFailures(&(*row)->stats);
    }
  }
  const auto tenant = GetTenant(key.tenant);
  if (!tenant.ok()) return tenant.status();
  UpdateWebhook::Result result;
  result.webhook = std::make_shared<const Webhook>(*std::move(changed));
  result.generation = ChangeConfiguration(key.tenant, *tenant);
  status = PutWebhook(&connection_, *result.webhook);
  if (status.ok()) status = ApplyOperational(update.operational, &result.operational);
  result.stats = CollectStats();
  answer = std::move(result);
  return status;
}

absl::Status Transaction::Apply(const DeleteWebhook& del, Answer<DeleteWebhook>& answer) {
  const auto stored = ReadWebhook(&connection_, del.key);
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  const absl::Status own = stored.ok() ? CheckDelete(del, *stored) : stored.status();
  if (!own.ok()) {
    answer = own;
    return absl::OkStatus();
  }
  const auto tenant = GetTenant(del.key.tenant);
  if (!tenant.ok()) return tenant.status();
  const int64_t key = PackedKey(del.key);
  absl::Status status = connection_.Use(kDeleteWebhook).Int(key).Run();
  if (status.ok()) status = connection_.Use(kInsertDeleted).Int(key).Run();
  if (status.ok()) status = DropStats(del.key);
  answer = DeleteWebhook::Result{ChangeConfiguration(del.key.tenant, *tenant)};
  webhooks_.erase(del.key);
  return status;
}

// The number of rows taken away; less than `limit` when nothing is left.
absl::StatusOr<int64_t> Transaction::PurgeWebhook(int64_t key, int64_t limit) {
  int64_t purged = 0;
  for (const char* sql : {kPurgeAttempts, kPurgeDeliveries}) {
    if (purged == limit) break;
    absl::Status status = connection_.Use(sql).Int(key).Int(limit - purged).Run();
    if (!status.ok()) return status;
    purged += connection_.changed_rows();
  }
  return purged;
}

absl::Status Transaction::Apply(const PurgeDeleted& purge, Answer<PurgeDeleted>& answer) {
  int64_t left = std::max(purge.limit, 1);
  while (true) {
    int64_t key = 0;
    {
      Query query = connection_.Use(kSelectDeleted);
      if (query.Next()) key = query.IntAt(0);
      if (!query.status().ok()) return query.status();
    }
    answer = PurgeDeleted::Result{key != 0};
    if (key == 0 || left == 0) return absl::OkStatus();
    const auto purged = PurgeWebhook(key, left);
    if (!purged.ok()) return purged.status();
    if (*purged < left) {
      absl::Status status = connection_.Use(kPurgeDeleted).Int(key).Run();
      if (status.ok()) status = connection_.Use(kPurgeWork).Int(key).Run();
      if (!status.ok()) return status;
    }
    left -= *purged;
  }
}

absl::Status Transaction::Apply(const CreateApiKey& create, Answer<CreateApiKey>& answer) {
  const ApiKey& key = create.key;
  {
    Query query = connection_.Use(kFindApiKey);
    query.Text(key.id);
    if (query.Next()) {
      answer = ApiKeyExistsError();
      return absl::OkStatus();
    }
    if (!query.status().ok()) return query.status();
  }
  const auto tenant = GetTenant(key.tenant);  // comes into being with the key
  if (!tenant.ok()) return tenant.status();
  answer = CreateApiKey::Result{ChangeConfiguration(key.tenant, *tenant)};
  Query insert = connection_.Use(kInsertApiKey);
  insert.Text(key.id).Int(key.tenant).Blob(key.secret_hash).Int(static_cast<int>(key.role));
  return insert.Text(key.agent).Text(key.display_name).Int(PackTime(key.create_time)).Run();
}

absl::Status Transaction::Apply(const DeleteApiKey& del, Answer<DeleteApiKey>& answer) {
  {
    Query query = connection_.Use(kFindApiKey);
    query.Text(del.id);
    const bool found = query.Next() && query.IntAt(0) == del.tenant;
    if (!query.status().ok()) return query.status();
    if (!found) {
      answer = ApiKeyNotFoundError(del.id);
      return absl::OkStatus();
    }
  }
  const auto tenant = GetTenant(del.tenant);
  if (!tenant.ok()) return tenant.status();
  answer = DeleteApiKey::Result{ChangeConfiguration(del.tenant, *tenant)};
  return connection_.Use(kDeleteApiKey).Text(del.id).Run();
}

absl::Status Transaction::Apply(const AcquireLeases& acquire, Answer<AcquireLeases>& answer) {
  std::array<Lease, kPartitionCount> leases;
  {
    Query query = connection_.Use(kSelectLeases);
    while (query.Next()) {
      const int64_t partition = query.IntAt(0);
      if (partition < 0 || partition >= kPartitionCount) continue;
      leases[partition] = {query.StringAt(1), query.IntAt(2), UnpackTime(query.IntAt(3))};
    }
    if (!query.status().ok()) return query.status();
  }
  AcquireLeases::Result result;
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    Lease& lease = leases[partition];
    if (!Grant(acquire, &lease)) continue;
    Query put = connection_.Use(kPutLease);
    put.Int(partition).Text(lease.owner).Int(lease.fence).Int(PackTime(lease.expire_time));
    if (absl::Status status = put.Run(); !status.ok()) return status;
    result.fences[partition] = lease.fence;
    leases_.fences[static_cast<size_t>(partition)] = lease.fence;
  }
  answer = result;
  return absl::OkStatus();
}

absl::Status Transaction::Apply(const ReleaseLeases& release, Answer<ReleaseLeases>& answer) {
  answer = ReleaseLeases::Result();
  return connection_.Use(kReleaseLeases).Text(release.owner).Int(INT64_MIN).Run();
}

}  // namespace latchwire::sqlite
