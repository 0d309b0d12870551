#include "server/store/driver/driver_errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/domain/limits.h"

namespace latchwire {
namespace {

// Told to callers that a store could not serve: soon enough for a disk that is given room again.
constexpr absl::Duration kStoreRetryDelay = absl::Seconds(1);

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

}  // namespace

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
