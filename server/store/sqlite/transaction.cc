#include "server/store/sqlite/transaction.h"

#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"

namespace latchwire::sqlite {
namespace {

constexpr char kSelectTenant[] =
    "SELECT generation, next_number, next_uid, revision, settings, created, stored_bytes,"
    " stored_events, last_minute, clean_number, next_job, held_number, held_events FROM tenant "
    "WHERE id = ?1";
constexpr char kPutTenant[] =
    "INSERT OR REPLACE INTO tenant VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
    " ?14)";
constexpr char kWebhookExists[] = "SELECT 1 FROM webhook WHERE key = ?1";

constexpr char kPutChange[] = "INSERT OR REPLACE INTO change(kind, key) VALUES(?1, ?2)";

absl::Status PutChange(Connection* connection, ChangeKind kind, int64_t key) {
  return connection->Use(kPutChange).Int(static_cast<int>(kind)).Int(key).Run();
}

}  // namespace

absl::StatusOr<Transaction::TenantRow*> Transaction::GetTenant(TenantId tenant) {
  const auto [entry, is_new] = tenants_.try_emplace(tenant);
  TenantRow& row = entry->second;
  if (!is_new) return &row;
  Query query = connection_.Use(kSelectTenant);
  query.Int(tenant);
  if (query.Next()) {
    row.exists = true;
    row.generation = query.IntAt(0);
    row.next_number = query.IntAt(1);
    row.next_uid = query.IntAt(2);
    row.revision = query.IntAt(3);
    row.settings = query.StringAt(4);
    row.created = query.IntAt(5);
    row.stored_bytes = query.IntAt(6);
    row.stored_events = query.IntAt(7);
    row.last_minute = query.IntAt(8);
    row.clean_number = query.IntAt(9);
    row.next_job = query.IntAt(10);
    row.held_number = query.IntAt(11);
    row.held_events = query.IntAt(12);
  }
  if (!query.status().ok()) return query.status();
  return &row;
}

absl::Status Transaction::Flush() {
  for (auto& [tenant, row] : tenants_) {
    if (!row.changed) continue;
    Query query = connection_.Use(kPutTenant);
    query.Int(tenant).Int(row.generation).Int(row.next_number).Int(row.next_uid);
    query.Int(row.revision);
    row.settings.empty() ? query.Null() : query.Blob(row.settings);
    query.Int(row.created).Int(row.stored_bytes).Int(row.stored_events);
    query.Int(row.last_minute).Int(row.clean_number).Int(row.next_job);
    query.Int(row.held_number).Int(row.held_events);
    if (absl::Status status = query.Run(); !status.ok()) return status;
    row.changed = false;
  }
  if (absl::Status status = FlushChanges(); !status.ok()) return status;
  return FlushStats();
}

absl::StatusOr<bool> Transaction::WebhookExists(WebhookKey key) {
  const auto found = webhooks_.find(key);
  if (found != webhooks_.end()) return found->second;
  Query query = connection_.Use(kWebhookExists);
  query.Int(PackedKey(key));
  const bool exists = query.Next();
  if (!query.status().ok()) return query.status();
  webhooks_[key] = exists;
  return exists;
}

int64_t Transaction::ChangeConfiguration(TenantId id, TenantRow* tenant) {
  changed_tenants_.insert(id);
  tenant->changed = true;
  return ++tenant->generation;
}

absl::Status Transaction::LeaveWork(StatsRow* row) {
  if (row->work_left) return absl::OkStatus();
  row->work_left = true;
  const int partition = PartitionOf(row->stats.key);
  const auto fence = CurrentFence(partition);
  if (!fence.ok()) return fence.status();
  if (!leases_.held.Holds(partition, *fence)) work_.insert(row->stats.key);
  return absl::OkStatus();
}

absl::Status Transaction::FlushChanges() {
  for (const TenantId tenant : changed_tenants_) {
    absl::Status status = PutChange(&connection_, ChangeKind::kTenant, tenant);
    if (!status.ok()) return status;
  }
  for (const WebhookKey& webhook : work_) {
    absl::Status status = PutChange(&connection_, ChangeKind::kWork, PackedKey(webhook));
    if (!status.ok()) return status;
  }
  changed_tenants_.clear();
  work_.clear();
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
