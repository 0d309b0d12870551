#include "server/store/driver/driver_rules.h"

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

// Told to callers that a store could not serve: soon enough for a disk that is given room again.
constexpr absl::Duration kStoreRetryDelay = absl::Seconds(1);

// The occur_time that the sender gave, if it did.
absl::Time GivenOccurTime(const Event& event) {
  const absl::Time time = ToStoredTime(event.occur_time);
  return time == ToStoredTime(event.receive_time) ? absl::InfinitePast() : time;
}

absl::string_view StateName(DeliveryState state) {
  switch (state) {
    case DeliveryState::kPending:
      return "PENDING";
    case DeliveryState::kSucceeded:
      return "SUCCEEDED";
    case DeliveryState::kDead:
      return "DEAD";
    case DeliveryState::kExpired:
      return "EXPIRED";
    case DeliveryState::kDropped:
      return "DROPPED";
  }
  return "UNKNOWN";
}

struct ResetResults {
  void ResetOperational(std::vector<AppendEvents>& operational) const {
    for (AppendEvents& append : operational) {
      append.status = absl::OkStatus();
      (*this)(append);
    }
  }
  void operator()(AppendEvents& append) const {
    for (NewEvent& event : append.events) {
      event.result = NewEvent::Result::kNotStored;
      event.event->number = 0;
      for (DeliveryTarget& target : event.targets) target.dropped = false;
    }
    append.dropped.clear();
    append.stats.clear();
    append.stored_bytes = append.stored_events = 0;
  }
  void operator()(RecordOutcomes& record) const {
    for (DeliveryOutcome& outcome : record.outcomes) {
      outcome.result = DeliveryOutcome::Result::kNotRecorded;
    }
    ResetOperational(record.operational);
    record.stats.clear();
  }
  void operator()(OpenAgentStream& open) const {
    open.fence = 0;
    open.through = {};
  }
  void operator()(RetryDelivery& retry) const {
    retry.delivery = Delivery();
    retry.stats.clear();
  }
  void operator()(ExpireDeliveries& expire) const {
    expire.more = false;
    expire.webhooks.clear();
    expire.stats.clear();
    expire.expired_deliveries = 0;
  }
  void operator()(DeleteOldEvents& del) const {
    del.more = false;
    del.deleted_events = del.held_events = 0;
    del.webhooks.clear();
    del.stats.clear();
    del.stored_bytes = del.stored_events = del.expired_deliveries = 0;
  }
  void operator()(CreateRecoveryJob& create) const {
    create.job.number = create.job.next_uid = create.job.next_number = create.job.last_number = 0;
  }
  void operator()(StepRecoveryJob& step) const {
    step.job = RecoveryJob();
    step.webhooks.clear();
    step.stats.clear();
  }
  void operator()(CancelRecoveryJob& cancel) const { cancel.job = RecoveryJob(); }
  void operator()(CreateTenant& create) const {
    create.tenant.id = create.tenant.revision = create.tenant.generation = 0;
  }
  void operator()(UpdateTenant& update) const {
    if (update.given_revision.has_value()) update.tenant.revision = *update.given_revision;
    update.given_revision.reset();
  }
  void operator()(CreateWebhook& create) const {
    create.webhook.key.uid = 0;
    create.webhook.revision = 0;
    create.generation = 0;
  }
  void operator()(UpdateWebhook& update) const {
    if (update.generation != 0) --update.webhook.revision;  // it was applied and taken back
    update.generation = 0;
    ResetOperational(update.operational);
    update.stats.clear();
  }
  void operator()(DeleteWebhook& del) const { del.generation = 0; }
  void operator()(PurgeDeleted& purge) const { purge.more = false; }
  void operator()(AcquireLeases& acquire) const { acquire.fences = {}; }
  template <typename Other>
  void operator()(Other&) const {}
};

}  // namespace

int64_t IdDay(absl::Time now) {
  return absl::ToInt64Hours(absl::Floor(now - absl::UnixEpoch(), absl::Hours(24))) / 24;
}

int64_t MinuteOf(absl::Time time) {
  return absl::ToInt64Minutes(absl::Floor(time - absl::UnixEpoch(), absl::Minutes(1)));
}

absl::Time ToStoredTime(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return time;
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

absl::Duration ToStoredDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration() || duration == -absl::InfiniteDuration()) {
    return duration;
  }
  return absl::Floor(duration, absl::Microseconds(1));
}

int64_t StoredBytes(size_t text_bytes, size_t data_bytes, size_t delivery_count) {
  return kEventOverheadBytes + static_cast<int64_t>(text_bytes + data_bytes) +
         kDeliveryOverheadBytes * static_cast<int64_t>(delivery_count);
}

bool SameContent(const Event& a, const Event& b) {
  return a.type == b.type && a.canonical_type == b.canonical_type && a.source == b.source &&
         a.subject == b.subject && a.attributes == b.attributes && a.is_json == b.is_json &&
         a.data == b.data && EffectiveContentType(a) == EffectiveContentType(b) &&
         GivenOccurTime(a) == GivenOccurTime(b);
}

void FailMutation(const absl::Status& status, Mutation* mutation) {
  std::visit(ResetResults(), *mutation);
  StatusOf(*mutation) = status;
}

absl::Status StaleGenerationError(int64_t current) {
  return MakeError(absl::StatusCode::kAborted, internal_reason::kStaleGeneration,
                   "the webhooks have changed since the events were matched",
                   {{"current", absl::StrCat(current)}});
}

absl::Status FencedError(int partition) {
  return MakeError(absl::StatusCode::kAborted, internal_reason::kFenced,
                   absl::StrCat("partition ", partition, " has another lease by now"),
                   {{"partition", absl::StrCat(partition)}});
}

absl::Status AgentStreamFencedError(absl::string_view agent) {
  return MakeError(absl::StatusCode::kAborted, error_reason::kAgentStreamFenced,
                   absl::StrCat("a newer stream of agent ", agent, " has taken over"));
}

absl::Status SequenceGapError(int lane, uint64_t expected) {
  return MakeError(absl::StatusCode::kFailedPrecondition, error_reason::kSequenceGap,
                   absl::StrCat("lane ", lane, " expects sequence ", expected),
                   {{"lane", absl::StrCat(lane)}, {"expected", absl::StrCat(expected)}});
}

absl::Status SequenceConflictError(int lane, uint64_t sequence) {
  return MakeError(absl::StatusCode::kAborted, error_reason::kSequenceConflict,
                   absl::StrCat("sequence ", sequence, " of lane ", lane,
                                " was stored before with another checksum"),
                   {{"lane", absl::StrCat(lane)}, {"sequence", absl::StrCat(sequence)}});
}

absl::Status QueueFullError(int64_t webhook_uid, int64_t max_pending) {
  return WithRetryAfter(
      MakeError(
          absl::StatusCode::kResourceExhausted, error_reason::kQueueFull,
          absl::StrCat("webhook ", webhook_uid, " has max_pending = ", max_pending,
                       " deliveries waiting; nothing was stored"),
          {{"webhook_uid", absl::StrCat(webhook_uid)}, {"max_pending", absl::StrCat(max_pending)}}),
      kFullRetryAfter);
}

absl::Status QuotaExceededError(absl::string_view quota, int64_t limit,
                                absl::Duration retry_after) {
  return WithRetryAfter(
      MakeError(absl::StatusCode::kResourceExhausted, error_reason::kQuotaExceeded,
                absl::StrCat("the tenant's quota ", quota, " = ", limit, " is reached"),
                {{"quota", std::string(quota)}, {"limit", absl::StrCat(limit)}}),
      retry_after);
}

absl::Status TenantNotFoundError(TenantId tenant) {
  return MakeError(absl::StatusCode::kNotFound, error_reason::kTenantNotFound,
                   absl::StrCat("there is no tenant ", tenant));
}

absl::Status RecoveryJobNotFoundError(absl::string_view id) {
  return MakeError(absl::StatusCode::kNotFound, error_reason::kRecoveryJobNotFound,
                   absl::StrCat("there is no recovery job ", id));
}

absl::Status RecoveryJobStateError(absl::string_view id) {
  return MakeError(absl::StatusCode::kFailedPrecondition, error_reason::kRecoveryJobState,
                   absl::StrCat("recovery job ", id, " is over"));
}

absl::Status TooManyRecoveryJobsError() {
  return QuotaExceededError("max_running_recovery_jobs", kMaxRunningRecoveryJobs, absl::Minutes(1));
}

absl::Status SequenceOrderError(int lane, uint64_t sequence) {
  return MakeError(
      absl::StatusCode::kInternal, error_reason::kInternal,
      absl::StrCat("sequence ", sequence, " of lane ", lane, " does not ascend in its batch"));
}

absl::Status EventIdConflictError(absl::string_view id) {
  return MakeError(absl::StatusCode::kAlreadyExists, error_reason::kEventIdConflict,
                   absl::StrCat("event ", id, " was published before with other content"),
                   {{"event", std::string(id)}});
}

absl::Status EventNotFoundError(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, error_reason::kEventNotFound,
                   absl::StrCat("there is no event ", name), {{"name", std::string(name)}});
}

absl::Status WebhookExistsError(absl::string_view id) {
  return MakeError(absl::StatusCode::kAlreadyExists, error_reason::kWebhookAlreadyExists,
                   absl::StrCat("webhook ", id, " exists"), {{"name", std::string(id)}});
}

absl::Status WebhookNotFoundError(WebhookKey key) {
  return MakeError(absl::StatusCode::kNotFound, error_reason::kWebhookNotFound,
                   absl::StrCat("there is no webhook ", key.uid),
                   {{"name", absl::StrCat(key.uid)}});
}

absl::Status EtagMismatchError(int64_t current) {
  return MakeError(absl::StatusCode::kAborted, error_reason::kEtagMismatch,
                   absl::StrCat("the webhook has changed: its revision is ", current));
}

absl::Status TenantEtagMismatchError(int64_t current) {
  return MakeError(absl::StatusCode::kAborted, error_reason::kEtagMismatch,
                   absl::StrCat("the tenant has changed: its revision is ", current));
}

absl::Status DeliveryNotFoundError(DeliveryKey key) {
  const std::string name = absl::StrCat(key.webhook.uid, "-", key.event_number);
  return MakeError(absl::StatusCode::kNotFound, error_reason::kDeliveryNotFound,
                   absl::StrCat("there is no delivery ", name), {{"name", name}});
}

absl::Status DeliveryStateError(DeliveryState state) {
  return MakeError(absl::StatusCode::kFailedPrecondition, error_reason::kDeliveryState,
                   absl::StrCat("the delivery's state is ", StateName(state)),
                   {{"state", std::string(StateName(state))}});
}

absl::Status ApiKeyExistsError() {
  return MakeError(absl::StatusCode::kInternal, error_reason::kInternal,
                   "an API key with this id exists");
}

absl::Status ApiKeyNotFoundError(absl::string_view id) {
  return MakeError(absl::StatusCode::kNotFound, error_reason::kApiKeyNotFound,
                   absl::StrCat("there is no API key ", id), {{"name", std::string(id)}});
}

absl::Status StoreUnavailableError(absl::string_view cause) {
  return WithRetryAfter(MakeError(absl::StatusCode::kUnavailable, error_reason::kStoreUnavailable,
                                  absl::StrCat("the store is unavailable: ", cause)),
                        kStoreRetryDelay);
}

}  // namespace latchwire
