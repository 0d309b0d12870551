#include <algorithm>

#include "absl/algorithm/container.h"
#include "core/domain/matching.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/memory/memory_state.h"

namespace latchwire::memory {
namespace {

bool IsWanted(const RecoveryJob& job, const DeliveryRow& row) {
  const Delivery& delivery = row.delivery;
  return delivery.state != DeliveryState::kPending &&
         absl::c_linear_search(job.states, delivery.state) &&
         delivery.create_time >= job.created_from && delivery.create_time < job.created_before &&
         Fits(job.event_match, *row.event);
}

}  // namespace

RecoveryJob* Tables::FindRecoveryJob(TenantId tenant, const std::string& id) {
  for (auto& [key, job] : recovery_jobs) {
    if (key.first == tenant && job.id == id) return &job;
  }
  return nullptr;
}

void Tables::Apply(CreateRecoveryJob& create) {
  RecoveryJob& job = create.job;
  const WebhookKey webhook{job.tenant, job.webhook_uid};
  if (job.webhook_uid != 0 && !webhooks.contains(webhook)) {
    create.status = WebhookNotFoundError(webhook);
    return;
  }
  size_t running = 0;
  int64_t last = 0;
  for (const auto& [key, other] : recovery_jobs) {
    if (key.first != job.tenant) continue;
    last = key.second;
    running += other.state == RecoveryJobState::kRunning;
  }
  if (running >= kMaxRunningRecoveryJobs) {
    create.status = TooManyRecoveryJobsError();
    return;
  }
  job.number = last + 1;
  job.last_number = tenants[job.tenant].next_number - 1;
  job.next_uid = std::max<int64_t>(job.webhook_uid, 1);
  job.next_number = 0;
  job.state = RecoveryJobState::kRunning;
  job.examined_count = job.recovered_count = 0;
  job.create_time = ToStoredTime(job.create_time);
  job.created_from = ToStoredTime(job.created_from);
  job.created_before = ToStoredTime(job.created_before);
  job.end_time = absl::InfiniteFuture();
  recovery_jobs[{job.tenant, job.number}] = job;
}

void Tables::Apply(StepRecoveryJob& step) {
  RecoveryJob* job = FindRecoveryJob(step.tenant, step.id);
  if (job == nullptr) {
    step.status = RecoveryJobNotFoundError(step.id);
    return;
  }
  int left = job->state == RecoveryJobState::kRunning ? std::max(step.limit, 1) : 0;
  while (left > 0) {
    const auto webhook = webhooks.lower_bound({job->tenant, job->next_uid});
    if (webhook == webhooks.end() || webhook->first.tenant != job->tenant ||
        (job->webhook_uid != 0 && webhook->first.uid != job->webhook_uid)) {
      job->state = RecoveryJobState::kSucceeded;
      job->end_time = ToStoredTime(step.now);
      break;
    }
    const WebhookKey key = webhook->first;
    if (key.uid != job->next_uid) job->next_number = 0;
    job->next_uid = key.uid;
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
      if (!absl::c_linear_search(step.webhooks, key)) step.webhooks.push_back(key);
    }
    left = std::min(left, more);
    if (more > 0) {
      ++job->next_uid;
      job->next_number = 0;
    }
  }
  step.job = *job;
  TakeStats(&step.stats);
}

void Tables::Apply(CancelRecoveryJob& cancel) {
  RecoveryJob* job = FindRecoveryJob(cancel.tenant, cancel.id);
  if (job == nullptr) {
    cancel.status = RecoveryJobNotFoundError(cancel.id);
  } else if (job->state != RecoveryJobState::kRunning) {
    cancel.status = RecoveryJobStateError(cancel.id);
  } else {
    job->state = RecoveryJobState::kCancelled;
    job->end_time = ToStoredTime(cancel.now);
    cancel.job = *job;
  }
}

}  // namespace latchwire::memory
