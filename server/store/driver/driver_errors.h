// The errors of mutations and reads, with their reasons. For drivers only.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"

namespace latchwire {

// After which a sender should try again when something is full that may empty itself.
inline constexpr absl::Duration kFullRetryAfter = absl::Seconds(5);
inline constexpr absl::Duration kStorageRetryAfter = absl::Minutes(1);

absl::Status QueueFullError(int64_t webhook_uid, int64_t max_pending);
absl::Status QuotaExceededError(absl::string_view quota, int64_t limit, absl::Duration retry_after);
absl::Status TenantNotFoundError(TenantId tenant);
absl::Status RecoveryJobNotFoundError(absl::string_view id);
absl::Status RecoveryJobStateError(absl::string_view id);
absl::Status TooManyRecoveryJobsError();
absl::Status StaleGenerationError(int64_t current);
absl::Status FencedError(int partition);
absl::Status AgentStreamFencedError(absl::string_view agent);
absl::Status SequenceGapError(int lane, uint64_t expected);
absl::Status SequenceConflictError(int lane, uint64_t sequence);
absl::Status SequenceOrderError(int lane, uint64_t sequence);  // a fault of the caller
absl::Status EventIdConflictError(absl::string_view id);
absl::Status EventNotFoundError(absl::string_view name);
absl::Status WebhookExistsError(absl::string_view id);
absl::Status WebhookNotFoundError(WebhookKey key);
absl::Status EtagMismatchError(int64_t current);
absl::Status TenantEtagMismatchError(int64_t current);
absl::Status DeliveryNotFoundError(DeliveryKey key);
absl::Status DeliveryStateError(DeliveryState state);
absl::Status ApiKeyExistsError();
absl::Status ApiKeyNotFoundError(absl::string_view id);
// `cause` is for people, such as "disk full".
absl::Status StoreUnavailableError(absl::string_view cause);

}  // namespace latchwire
