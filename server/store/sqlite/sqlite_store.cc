#include "server/store/sqlite/sqlite_store.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/base/crash_point.h"
#include "core/base/mutex.h"
#include "server/store/driver/closable_store.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/crash_vfs.h"
#include "server/store/sqlite/create.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/reads.h"
#include "server/store/sqlite/rows.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire {
namespace sqlite {
namespace {

constexpr int64_t kPageBytes = 4096;
// A checkpoint that holds up a write waits this long for readers to let go of the log.
constexpr absl::Duration kRestartTimeout = absl::Milliseconds(50);

class SqliteStore : public DriverStore {
 public:
  SqliteStore(SqliteOptions options, std::unique_ptr<Connection> writer,
              std::unique_ptr<Connection> checkpointer,
              std::vector<std::unique_ptr<Connection>> readers)
      : options_(std::move(options)),
        writer_(std::move(writer)),
        checkpointer_(std::move(checkpointer)),
        readers_(std::move(readers)) {}

  absl::Status Write(absl::Span<const Mutation> mutations,
                     absl::Span<MutationResult> results) override;
  absl::Status Checkpoint() override;
  absl::Status Ready() override;

  absl::StatusOr<Changes> PollChanges(ChangeCursor after, int limit) override {
    return sqlite::PollChanges(Reader(this).get(), after, limit);
  }
  absl::StatusOr<Tenant> GetTenant(TenantId tenant) override {
    return sqlite::GetTenant(Reader(this).get(), tenant);
  }
  absl::StatusOr<std::vector<Tenant>> LoadTenants() override {
    return sqlite::LoadTenants(Reader(this).get());
  }
  absl::StatusOr<std::vector<Webhook>> LoadWebhooks(WebhookKey after, int limit) override {
    return sqlite::LoadWebhooks(Reader(this).get(), after, limit);
  }
  absl::StatusOr<std::vector<ApiKey>> LoadApiKeys() override {
    return sqlite::LoadApiKeys(Reader(this).get());
  }
  absl::StatusOr<std::vector<WebhookStats>> LoadStats(WebhookKey after, int limit) override {
    return sqlite::LoadStats(Reader(this).get(), after, limit);
  }
  absl::StatusOr<RecoveryJob> GetRecoveryJob(TenantId tenant, absl::string_view id) override {
    return sqlite::GetRecoveryJob(Reader(this).get(), tenant, id);
  }
  absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(TenantId tenant, int64_t before,
                                                            int limit) override {
    return sqlite::ListRecoveryJobs(Reader(this).get(), tenant, before, limit);
  }
  absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs() override {
    return sqlite::LoadRunningRecoveryJobs(Reader(this).get());
  }
  absl::StatusOr<Event> GetEvent(TenantId tenant, int64_t number) override {
    return ReadEvent(Reader(this).get(), tenant, number);
  }
  absl::StatusOr<int64_t> FindEvent(TenantId tenant, absl::string_view id) override {
    return sqlite::FindEvent(Reader(this).get(), tenant, id);
  }
  absl::StatusOr<EventPage> ListEvents(TenantId tenant, const EventFilter& filter, int64_t before,
                                       int limit) override {
    return sqlite::ListEvents(Reader(this).get(), tenant, filter, before, limit);
  }
  absl::StatusOr<PendingDelivery> GetDelivery(DeliveryKey key) override {
    return sqlite::GetDelivery(Reader(this).get(), key);
  }
  absl::StatusOr<DeliveryPage> ListDeliveries(TenantId tenant, const DeliveryFilter& filter,
                                              DeliveryCursor after, int limit) override {
    return sqlite::ListDeliveries(Reader(this).get(), tenant, filter, after, limit);
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(DeliveryKey key, int after,
                                                    int limit) override {
    return sqlite::ListAttempts(Reader(this).get(), key, after, limit);
  }
  absl::StatusOr<std::vector<WebhookWork>> LoadWork(WebhookKey after, int limit) override {
    return sqlite::LoadWork(Reader(this).get(), after, limit);
  }
  absl::StatusOr<DueDeliveries> LoadDue(WebhookKey webhook, absl::Time now, int limit,
                                        const absl::flat_hash_set<int64_t>& exclude) override {
    return sqlite::LoadDue(Reader(this).get(), webhook, now, limit, exclude);
  }
  absl::StatusOr<DueDeliveries> LoadHeads(
      WebhookKey webhook, absl::Time now, int limit,
      const absl::flat_hash_set<std::string>& exclude_order_keys) override {
    std::string resume = PopResume(webhook);
    auto due =
        sqlite::LoadHeads(Reader(this).get(), webhook, now, limit, exclude_order_keys, &resume);
    if (!resume.empty()) {
      MutexLock lock(&resume_mutex_);
      resume_[webhook] = std::move(resume);
    }
    return due;
  }

 private:
  // A read connection for as long as it lives; waits for one.
  class Reader {
   public:
    explicit Reader(SqliteStore* store) : store_(*store) {
      MutexLock lock(&store_.readers_mutex_);
      while (store_.readers_.empty()) store_.reader_is_free_.Wait(&store_.readers_mutex_);
      connection_ = std::move(store_.readers_.back());
      store_.readers_.pop_back();
    }
    ~Reader() {
      connection_->Trim();
      MutexLock lock(&store_.readers_mutex_);
      store_.readers_.push_back(std::move(connection_));
      store_.reader_is_free_.NotifyOne();
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    Connection* get() const { return connection_.get(); }

   private:
    SqliteStore& store_;
    std::unique_ptr<Connection> connection_;
  };

  absl::Status WriteOnce(absl::Span<const Mutation> mutations, absl::Span<MutationResult> results,
                         bool with_savepoints) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status ApplyAll(absl::Span<const Mutation> mutations, absl::Span<MutationResult> results,
                        bool with_savepoints) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void RememberLeases(absl::Span<const MutationResult> results)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Forgets fences that another process or handle may have changed. Inside the transaction.
  absl::Status RefreshLeases() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  std::string PopResume(WebhookKey webhook) {
    MutexLock lock(&resume_mutex_);
    const auto found = resume_.find(webhook);
    if (found == resume_.end()) return {};
    std::string resume = std::move(found->second);
    resume_.erase(found);
    return resume;
  }

  const SqliteOptions options_;

  // Also keeps a checkpoint that needs the write lock from making a write of ours poll for it.
  Mutex write_mutex_;
  const std::unique_ptr<Connection> writer_ ABSL_PT_GUARDED_BY(write_mutex_);
  LeaseView leases_ ABSL_GUARDED_BY(write_mutex_);
  absl::Status last_write_ ABSL_GUARDED_BY(write_mutex_);
  Mutex checkpoint_mutex_ ABSL_ACQUIRED_BEFORE(write_mutex_);
  const std::unique_ptr<Connection> checkpointer_ ABSL_PT_GUARDED_BY(checkpoint_mutex_);
  Mutex readers_mutex_;
  CondVar reader_is_free_;
  std::vector<std::unique_ptr<Connection>> readers_ ABSL_GUARDED_BY(readers_mutex_);
  // Where the next LoadHeads of a webhook goes on; only for those whose last one hit its limit.
  Mutex resume_mutex_;
  absl::flat_hash_map<WebhookKey, std::string> resume_ ABSL_GUARDED_BY(resume_mutex_);
};

absl::Status ApplyOne(Transaction* transaction, const Mutation& mutation, MutationResult* result) {
  return std::visit(
      [&](const auto& value) {
        using M = std::remove_cvref_t<decltype(value)>;
        Transaction::Answer<M> answer;
        absl::Status status = transaction->Apply(value, answer);
        *result = std::move(answer);
        return status;
      },
      mutation);
}

bool IsFaultOfStatement(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInternal;
}

bool IsAppend(const Mutation& mutation) {
  return std::holds_alternative<AppendPublished>(mutation) ||
         std::holds_alternative<AppendFromAgent>(mutation);
}

absl::Status SqliteStore::Write(absl::Span<const Mutation> mutations,
                                absl::Span<MutationResult> results) {
  LATCHWIRE_CHECK(mutations.size() == results.size());
  MutexLock lock(&write_mutex_);
  absl::Status status = WriteOnce(mutations, results, false);
  // One mutation that the database refuses must not take its neighbours with it. That should never
  // happen, so only now each pays for a savepoint.
  if (IsFaultOfStatement(status)) status = WriteOnce(mutations, results, true);
  if (IsFaultOfStatement(status)) status = StoreUnavailableError(status.message());
  if (status.ok()) {
    RememberLeases(results);
  } else {
    std::fill(results.begin(), results.end(), status);
  }
  last_write_ = status;
  return status;
}

absl::Status SqliteStore::Ready() {
  {
    MutexLock lock(&write_mutex_);
    if (!last_write_.ok()) return last_write_;
  }
  return PollChanges(0, 1).status();
}

void SqliteStore::RememberLeases(absl::Span<const MutationResult> results) {
  for (const MutationResult& result : results) {
    if (!result.ok()) continue;
    if (const auto* acquired = std::get_if<AcquireLeases::Result>(&*result)) {
      leases_.held.Set(*acquired);
    }
  }
}

absl::Status SqliteStore::RefreshLeases() {
  Query query = writer_->Use("PRAGMA data_version");
  const int64_t version = query.Next() ? query.IntAt(0) : 0;
  if (version != leases_.data_version) leases_.fences.fill(std::nullopt);
  leases_.data_version = version;
  return query.status();
}

absl::Status SqliteStore::WriteOnce(absl::Span<const Mutation> mutations,
                                    absl::Span<MutationResult> results, bool with_savepoints) {
  writer_->Trim();
  const bool appends = std::any_of(mutations.begin(), mutations.end(), IsAppend);
  absl::Status status = writer_->Use("BEGIN IMMEDIATE").Run();
  if (status.ok()) status = RefreshLeases();
  if (status.ok()) status = ApplyAll(mutations, results, with_savepoints);
  if (status.ok()) {
    if (appends) CrashPoint("server-after-accept-before-fsync");
    status = writer_->Use("COMMIT").Run();
    if (appends && status.ok()) CrashPoint("server-after-fsync-before-answer");
  }
  writer_->Rollback();
  if (!status.ok()) leases_.fences.fill(std::nullopt);
  return status;
}

absl::Status SqliteStore::ApplyAll(absl::Span<const Mutation> mutations,
                                   absl::Span<MutationResult> results, bool with_savepoints) {
  auto transaction = std::make_unique<Transaction>(writer_.get(), &leases_);
  for (size_t i = 0; i < mutations.size(); ++i) {
    if (!with_savepoints) {
      absl::Status status = ApplyOne(transaction.get(), mutations[i], &results[i]);
      if (!status.ok()) return status;
      continue;
    }
    absl::Status status = writer_->Use("SAVEPOINT mutation").Run();
    if (!status.ok()) return status;
    status = ApplyOne(transaction.get(), mutations[i], &results[i]);
    if (status.ok()) status = transaction->Flush();
    if (IsFaultOfStatement(status)) {
      results[i] = status;
      leases_.fences.fill(std::nullopt);
      transaction = std::make_unique<Transaction>(writer_.get(), &leases_);
      status = writer_->Use("ROLLBACK TO mutation").Run();
    }
    if (status.ok()) status = writer_->Use("RELEASE mutation").Run();
    if (!status.ok()) return status;
  }
  return transaction->Flush();
}

absl::Status SqliteStore::Checkpoint() {
  MutexLock lock(&checkpoint_mutex_);
  CheckpointScope scope;
  sqlite3* const db = checkpointer_->db();
  int log_frames = 0;
  int copied_frames = 0;
  int code = sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, &log_frames,
                                       &copied_frames);
  if ((code & 0xff) == SQLITE_BUSY) return absl::OkStatus();  // another process is at it
  if (code != SQLITE_OK) return ErrorOf(code, db);
  const int64_t log_bytes = log_frames * (kPageBytes + 24);
  if (log_bytes < options_.wal_limit_bytes) return absl::OkStatus();

  // Writers never paused long enough for the log to start over. Copy what has come since, so that
  // little is left to do while they wait.
  sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  const int mode = log_bytes < 2 * options_.wal_limit_bytes ? SQLITE_CHECKPOINT_RESTART
                                                            : SQLITE_CHECKPOINT_TRUNCATE;
  MutexLock write_lock(&write_mutex_);
  code = sqlite3_wal_checkpoint_v2(db, nullptr, mode, nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return absl::OkStatus();
  return ErrorOf(code, db);
}

}  // namespace
}  // namespace sqlite

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(SqliteOptions options) {
  using sqlite::Connection;
  if (absl::Status status = sqlite::CreateIfMissing(options.path); !status.ok()) return status;
  sqlite::ConnectionOptions settings;
  settings.path = options.path;
  settings.vfs = sqlite::CrashVfs(options.vfs);
  settings.cache_bytes = options.write_cache_bytes;
  settings.mmap_bytes = options.mmap_bytes;
  settings.max_bytes = options.max_bytes;
  settings.busy_timeout = options.busy_timeout;
  settings.unsafe_without_sync = options.unsafe_without_sync;
  auto writer = Connection::Open(settings);
  if (!writer.ok()) return writer.status();
  if (absl::Status status = sqlite::Migrate(writer->get(), options.path); !status.ok()) {
    return status;
  }
  settings.max_bytes = 0;
  settings.cache_bytes = options.read_cache_bytes;
  auto checkpointer = Connection::Open(settings);
  if (!checkpointer.ok()) return checkpointer.status();
  sqlite3_busy_timeout((*checkpointer)->db(),
                       static_cast<int>(absl::ToInt64Milliseconds(sqlite::kRestartTimeout)));
  settings.read_only = true;
  std::vector<std::unique_ptr<Connection>> readers;
  for (int i = 0; i < std::max(options.read_connections, 1); ++i) {
    auto reader = Connection::Open(settings);
    if (!reader.ok()) return reader.status();
    readers.push_back(*std::move(reader));
  }
  return NewClosableStore(std::make_unique<sqlite::SqliteStore>(
      std::move(options), *std::move(writer), *std::move(checkpointer), std::move(readers)));
}

}  // namespace latchwire
