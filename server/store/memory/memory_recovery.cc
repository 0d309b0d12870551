#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "core/domain/matching.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/driver/recovery_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {
namespace {

bool IsWanted(const RecoveryJob& job, const DeliveryRow& row) {
  return WantsDelivery(job, row.delivery.state, row.delivery.create_time) &&
         Fits(job.event_match, *row.event);
}

}  // namespace

RecoveryJob* Tables::FindRecoveryJob(TenantId tenant, const std::string& id) {
  for (auto& [key, job] : recovery_jobs) {
    if (key.first == tenant && job.id == id) return &job;
  }
  return nullptr;
}

Tables::Answer<CreateRecoveryJob> Tables::Apply(const CreateRecoveryJob& create) {
  const TenantId tenant = create.job.tenant;
  const WebhookKey webhook{tenant, create.job.webhook_uid};
  if (webhook.uid != 0 && !webhooks.contains(webhook)) return WebhookNotFoundError(webhook);
  size_t running = 0;
  int64_t last = 0;
  for (const auto& [key, other] : recovery_jobs) {
    if (key.first != tenant) continue;
    last = key.second;
    running += other.state == RecoveryJobState::kRunning;
  }
  auto job = NewRecoveryJob(create, running, last + 1, tenants[tenant].next_number - 1);
  if (!job.ok()) return job.status();
  recovery_jobs[{tenant, job->number}] = *job;
  return CreateRecoveryJob::Result{*std::move(job)};
}

Tables::Answer<StepRecoveryJob> Tables::Apply(const StepRecoveryJob& step) {
  RecoveryJob* job = FindRecoveryJob(step.tenant, step.id);
  if (job == nullptr) return RecoveryJobNotFoundError(step.id);
  StepRecoveryJob::Result result;
  int left = job->state == RecoveryJobState::kRunning ? std::max(step.limit, 1) : 0;
  while (left > 0) {
    const auto webhook = webhooks.lower_bound({job->tenant, job->next_uid});
    if (webhook == webhooks.end() || webhook->first.tenant != job->tenant ||
        (job->webhook_uid != 0 && webhook->first.uid != job->webhook_uid)) {
      Finish(step.now, job);
      break;
    }
    const WebhookKey key = webhook->first;
    EnterWebhook(key.uid, job);
    auto& rows = deliveries[key];
    auto row = rows.lower_bound(job->next_number);
    --left;  // a webhook costs, too, even one without deliveries
    int more = left + 1;
    for (; row != rows.end() && row->first <= job->last_number && more > 0; ++row, --more) {
      ++job->examined_count;
      job->next_number = row->first + 1;
      if (!IsWanted(*job, row->second)) continue;
      MakePendingAgain(&row->second, step.now);
      ++job->recovered_count;
      if (!absl::c_linear_search(result.webhooks, key)) result.webhooks.push_back(key);
    }
    left = std::min(left, more);
    if (more > 0) LeaveWebhook(job);
  }
  result.job = *job;
  result.stats = CollectStats();
  return result;
}

Tables::Answer<CancelRecoveryJob> Tables::Apply(const CancelRecoveryJob& cancel) {
  RecoveryJob* job = FindRecoveryJob(cancel.tenant, cancel.id);
  if (job == nullptr) return RecoveryJobNotFoundError(cancel.id);
  const auto cancelled = Cancelled(cancel, *job);
  if (!cancelled.ok()) return cancelled.status();
  *job = *cancelled;
  return CancelRecoveryJob::Result{*job};
}

}  // namespace latchwire::memory
