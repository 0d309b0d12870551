// Webhooks, API keys and leases.
#include "server/store/driver/driver_rules.h"
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

absl::Status Transaction::Apply(CreateWebhook& create) {
  Webhook& webhook = create.webhook;
  {
    Query query = connection_.Use(kFindWebhook);
    query.Int(webhook.key.tenant).Text(webhook.id);
    if (query.Next()) create.status = WebhookExistsError(webhook.id);
    if (!query.status().ok() || !create.status.ok()) return query.status();
  }
  if (create.max_webhooks > 0) {
    Query query = connection_.Use(kCountWebhooks);
    query.Int(webhook.key.tenant).Int(create.max_webhooks);
    if (query.Next() && query.IntAt(0) >= create.max_webhooks) {
      create.status = QuotaExceededError("max_webhooks", create.max_webhooks, absl::ZeroDuration());
    }
    if (!query.status().ok() || !create.status.ok()) return query.status();
  }
  const auto tenant = GetTenant(webhook.key.tenant);
  if (!tenant.ok()) return tenant.status();
  webhook.key.uid = (*tenant)->next_uid++;
  webhook.revision = 1;
  create.generation = ++(*tenant)->generation;
  (*tenant)->changed = true;
  webhooks_.erase(webhook.key);
  return PutWebhook(&connection_, webhook);
}

absl::Status Transaction::Apply(UpdateWebhook& update) {
  const auto stored = ReadWebhook(&connection_, update.webhook.key);
  if (stored.status().code() == absl::StatusCode::kNotFound) {
    update.status = stored.status();
    return absl::OkStatus();
  }
  if (!stored.ok()) return stored.status();
  if (stored->revision != update.webhook.revision) {
    update.status = EtagMismatchError(stored->revision);
    return absl::OkStatus();
  }
  absl::Status status;
  for (const AppendEvents& append : update.operational) {
    if (status.ok() && update.status.ok()) status = CheckGeneration(append, &update.status);
  }
  if (!status.ok() || !update.status.ok()) return status;
  const bool activated =
      update.webhook.state == WebhookState::kActive && stored->state != WebhookState::kActive;
  if (activated) {
    const auto row = GetStats(update.webhook.key);
    if (!row.ok()) return row.status();
    if ((*row)->stats.consecutive_failures > 0) {
      Touch(*row);
      (*row)->stats.consecutive_failures = 0;
      (*row)->stats.failing_since = absl::InfinitePast();
    }
  }
  const auto tenant = GetTenant(update.webhook.key.tenant);
  if (!tenant.ok()) return tenant.status();
  update.webhook.id = stored->id;
  update.webhook.ordering = stored->ordering;
  update.webhook.guarantee = stored->guarantee;
  ++update.webhook.revision;
  update.generation = ++(*tenant)->generation;
  (*tenant)->changed = true;
  status = PutWebhook(&connection_, update.webhook);
  for (AppendEvents& append : update.operational) {
    if (status.ok()) status = ApplyMatched(append, 0);
  }
  TakeStats(&update.stats);
  return status;
}

absl::Status Transaction::Apply(DeleteWebhook& del) {
  const auto stored = ReadWebhook(&connection_, del.key);
  if (stored.status().code() == absl::StatusCode::kNotFound) {
    del.status = stored.status();
    return absl::OkStatus();
  }
  if (!stored.ok()) return stored.status();
  if (del.revision != 0 && stored->revision != del.revision) {
    del.status = EtagMismatchError(stored->revision);
    return absl::OkStatus();
  }
  const auto tenant = GetTenant(del.key.tenant);
  if (!tenant.ok()) return tenant.status();
  const int64_t key = PackedKey(del.key);
  absl::Status status = connection_.Use(kDeleteWebhook).Int(key).Run();
  if (status.ok()) status = connection_.Use(kInsertDeleted).Int(key).Run();
  if (status.ok()) status = DropStats(del.key);
  del.generation = ++(*tenant)->generation;
  (*tenant)->changed = true;
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

absl::Status Transaction::Apply(PurgeDeleted& purge) {
  int64_t left = std::max(purge.limit, 1);
  while (true) {
    int64_t key = 0;
    {
      Query query = connection_.Use(kSelectDeleted);
      if (query.Next()) key = query.IntAt(0);
      if (!query.status().ok()) return query.status();
    }
    purge.more = key != 0;
    if (key == 0 || left == 0) return absl::OkStatus();
    const auto purged = PurgeWebhook(key, left);
    if (!purged.ok()) return purged.status();
    if (*purged < left) {
      absl::Status status = connection_.Use(kPurgeDeleted).Int(key).Run();
      if (!status.ok()) return status;
    }
    left -= *purged;
  }
}

absl::Status Transaction::Apply(CreateApiKey& create) {
  const ApiKey& key = create.key;
  {
    Query query = connection_.Use(kFindApiKey);
    query.Text(key.id);
    if (query.Next()) create.status = ApiKeyExistsError();
    if (!query.status().ok() || !create.status.ok()) return query.status();
  }
  const auto tenant = GetTenant(key.tenant);
  if (!tenant.ok()) return tenant.status();
  (*tenant)->changed = true;  // so that it exists
  Query insert = connection_.Use(kInsertApiKey);
  insert.Text(key.id).Int(key.tenant).Blob(key.secret_hash).Int(static_cast<int>(key.role));
  return insert.Text(key.agent).Text(key.display_name).Int(PackTime(key.create_time)).Run();
}

absl::Status Transaction::Apply(DeleteApiKey& del) {
  {
    Query query = connection_.Use(kFindApiKey);
    query.Text(del.id);
    if (!query.Next() || query.IntAt(0) != del.tenant) del.status = ApiKeyNotFoundError(del.id);
    if (!query.status().ok() || !del.status.ok()) return query.status();
  }
  return connection_.Use(kDeleteApiKey).Text(del.id).Run();
}

absl::Status Transaction::Apply(AcquireLeases& acquire) {
  struct Lease {
    bool mine = false;
    bool taken = false;  // by another, and not expired
    int64_t fence = 0;
  };
  std::array<Lease, kPartitionCount> leases;
  {
    Query query = connection_.Use(kSelectLeases);
    while (query.Next()) {
      const int64_t partition = query.IntAt(0);
      if (partition < 0 || partition >= kPartitionCount) continue;
      const absl::string_view owner = query.BytesAt(1);
      const bool mine = owner == acquire.owner;
      const bool expired = UnpackTime(query.IntAt(3)) <= acquire.now;
      leases[partition] = {mine, !mine && !owner.empty() && !expired, query.IntAt(2)};
    }
    if (!query.status().ok()) return query.status();
  }
  const int64_t expires = PackTime(acquire.now + acquire.duration);
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    Lease& lease = leases[partition];
    if (lease.taken) continue;
    if (!lease.mine) ++lease.fence;
    Query put = connection_.Use(kPutLease);
    put.Int(partition).Text(acquire.owner).Int(lease.fence).Int(expires);
    if (absl::Status status = put.Run(); !status.ok()) return status;
    acquire.fences[partition] = lease.fence;
    fences_[partition] = lease.fence;
  }
  return absl::OkStatus();
}

absl::Status Transaction::Apply(ReleaseLeases& release) {
  return connection_.Use(kReleaseLeases).Text(release.owner).Int(INT64_MIN).Run();
}

}  // namespace latchwire::sqlite
