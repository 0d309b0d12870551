// Recovery jobs: deliveries made pending again in steps of a bounded size.
#include <algorithm>
#include <utility>

#include "core/domain/matching.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/driver/recovery_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"
#include "server/store/sqlite/recovery_jobs.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kInsertJob[] = "INSERT INTO recovery_job VALUES(?1, ?2, ?3, ?4, ?5)";
constexpr char kUpdateJob[] =
    "UPDATE recovery_job SET state = ?3, record = ?4 WHERE tenant = ?1 AND number = ?2";
constexpr char kHasEarlierMinute[] =
    "SELECT 1 FROM event_minute WHERE tenant = ?1 AND minute < ?2 LIMIT 1";

absl::Status UpdateJob(Connection* connection, const RecoveryJob& job) {
  const std::string record = PackRecoveryJob(job);
  Query query = connection->Use(kUpdateJob);
  query.Int(job.tenant).Int(job.number).Int(static_cast<int>(job.state));
  return query.Blob(record).Run();
}

}  // namespace

absl::Status Transaction::Apply(const CreateRecoveryJob& create,
                                Answer<CreateRecoveryJob>& answer) {
  const TenantId tenant_id = create.job.tenant;
  if (create.job.webhook_uid != 0) {
    const WebhookKey key{tenant_id, create.job.webhook_uid};
    const auto exists = WebhookExists(key);
    if (!exists.ok()) return exists.status();
    if (!*exists) {
      answer = WebhookNotFoundError(key);
      return absl::OkStatus();
    }
  }
  size_t running = 0;
  {
    Query query = connection_.Use(kCountRunningRecoveryJobs);
    query.Int(tenant_id);
    if (query.Next()) running = static_cast<size_t>(query.IntAt(0));
    if (!query.status().ok()) return query.status();
  }
  const auto tenant = GetTenant(tenant_id);
  if (!tenant.ok()) return tenant.status();
  auto job = NewRecoveryJob(create, running, (*tenant)->next_job, (*tenant)->next_number - 1);
  if (!job.ok()) {
    answer = job.status();
    return absl::OkStatus();
  }
  ++(*tenant)->next_job;
  (*tenant)->changed = true;
  const std::string record = PackRecoveryJob(*job);
  Query insert = connection_.Use(kInsertJob);
  insert.Int(job->tenant).Int(job->number).Text(job->id).Int(static_cast<int>(job->state));
  absl::Status status = insert.Blob(record).Run();
  answer = CreateRecoveryJob::Result{*std::move(job)};
  return status;
}

absl::Status Transaction::Apply(const StepRecoveryJob& step, Answer<StepRecoveryJob>& answer) {
  auto job = GetRecoveryJob(&connection_, step.tenant, step.id);
  if (absl::IsNotFound(job.status())) {
    answer = job.status();
    return absl::OkStatus();
  }
  if (!job.ok()) return job.status();
  StepRecoveryJob::Result result;
  result.job = *std::move(job);
  absl::Status status;
  if (result.job.state == RecoveryJobState::kRunning) {
    status = AdvanceJob(step, &result);
    result.stats = CollectStats();
    if (status.ok()) status = UpdateJob(&connection_, result.job);
  }
  answer = std::move(result);
  return status;
}

absl::Status Transaction::Apply(const CancelRecoveryJob& cancel,
                                Answer<CancelRecoveryJob>& answer) {
  auto job = GetRecoveryJob(&connection_, cancel.tenant, cancel.id);
  if (!job.ok() && !absl::IsNotFound(job.status())) return job.status();
  if (job.ok()) job = Cancelled(cancel, *std::move(job));
  if (!job.ok()) {
    answer = job.status();
    return absl::OkStatus();
  }
  absl::Status status = UpdateJob(&connection_, *job);
  answer = CancelRecoveryJob::Result{*std::move(job)};
  return status;
}

// Deliveries made at or after `from` have this number or a higher one. The clock may have been set
// back since, so nothing follows from a time for the other end.
absl::StatusOr<int64_t> Transaction::FirstNumberFrom(TenantId tenant, absl::Time from) {
  if (from == absl::InfinitePast()) return 1;
  const int64_t minute = MinuteOf(from);
  {
    // Without one the minutes before may have been cleaned away while events of them are held.
    Query query = connection_.Use(kHasEarlierMinute);
    query.Int(tenant).Int(minute);
    if (!query.Next()) {
      if (!query.status().ok()) return query.status();
      return 1;
    }
  }
  return FirstNumberAt(tenant, minute);
}

absl::Status Transaction::AdvanceJob(const StepRecoveryJob& step, StepRecoveryJob::Result* result) {
  RecoveryJob& job = result->job;
  int64_t left = std::max(step.limit, 1);
  while (left > 0) {
    const int64_t last_uid = job.webhook_uid != 0 ? job.webhook_uid : (int64_t{1} << kUidBits) - 1;
    int64_t key = 0;
    {
      Query query = connection_.Use(kNextWebhook);
      query.Int(PackedKey({job.tenant, job.next_uid}));
      query.Int(PackedKey({job.tenant, last_uid}) + 1);
      if (query.Next()) key = query.IntAt(0);
      if (!query.status().ok()) return query.status();
    }
    if (key == 0) {
      Finish(step.now, &job);
      return absl::OkStatus();
    }
    const WebhookKey webhook = UnpackedKey(key);
    EnterWebhook(webhook.uid, &job);
    if (job.next_number == 0) {
      const auto first = FirstNumberFrom(job.tenant, job.created_from);
      if (!first.ok()) return first.status();
      job.next_number = *first;
    }
    const auto examined = AdvanceInWebhook(webhook, left, step.now, result);
    if (!examined.ok()) return examined.status();
    if (*examined < left) LeaveWebhook(&job);
    // A webhook costs, too, even one without deliveries.
    left -= std::max<int64_t>(*examined, 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Transaction::AdvanceInWebhook(WebhookKey webhook, int64_t limit,
                                                      absl::Time now,
                                                      StepRecoveryJob::Result* result) {
  RecoveryJob& job = result->job;
  int64_t examined = 0;
  std::vector<std::pair<int64_t, DeliveryState>> fitting;
  {
    Query query = connection_.Use(kDeliveriesFrom);
    query.Int(PackedKey(webhook)).Int(job.next_number).Int(job.last_number).Int(limit);
    while (query.Next()) {
      ++examined;
      job.next_number = query.IntAt(0) + 1;
      const auto state = static_cast<DeliveryState>(query.IntAt(1));
      if (WantsDelivery(job, state, UnpackTime(query.IntAt(2)))) {
        fitting.emplace_back(query.IntAt(0), state);
      }
    }
    if (!query.status().ok()) return query.status();
  }
  job.examined_count += examined;
  bool any = false;
  for (const auto& [number, state] : fitting) {
    const auto fits = EventFits(job, number);
    if (!fits.ok()) return fits.status();
    if (!*fits) continue;
    absl::Status status = MakePendingAgain({webhook, number}, state, now);
    if (!status.ok()) return status;
    ++job.recovered_count;
    any = true;
  }
  if (any) result->webhooks.push_back(webhook);
  return examined;
}

absl::StatusOr<bool> Transaction::EventFits(const RecoveryJob& job, int64_t number) {
  if (job.event_match == EventMatch()) return true;
  Query query = connection_.Use(kEventHead);
  query.Int(EventKey(job.tenant, number));
  if (!query.Next()) {
    if (!query.status().ok()) return query.status();
    return false;
  }
  Event event;
  if (absl::Status status = EventFrom(query, 0, false, &event, nullptr); !status.ok()) {
    return status;
  }
  return Fits(job.event_match, event);
}

}  // namespace latchwire::sqlite
