// What all drivers of the store must decide alike: limits of what is looked at, what makes two
// events the same, and the errors of mutations. For drivers only.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"
#include "server/store/mutation.h"

namespace latchwire {

// Rows that one page of ListEvents or ListDeliveries looks at, at most.
inline constexpr int kMaxRowsPerPage = 4096;

// Ids are kept by the UTC day of the append: those of today and of this many days before are found,
// so an id is known for 8 days at least and for less than 9.
inline constexpr int64_t kIdDays = 8;
int64_t IdDay(absl::Time now);  // days since 1970-01-01

// How old an event is goes by the minute, since 1970, of its append.
int64_t MinuteOf(absl::Time time);

// Times are kept in microseconds, rounded down; the infinite ones stay what they are.
absl::Time ToStoredTime(absl::Time time);
absl::Duration ToStoredDuration(absl::Duration duration);

// Whether an event that comes again with a known id is the same one: type, canonical_type, source,
// subject, attributes, is_json, the exact bytes of data, the effective content type, and occur_time
// as far as it was given (one that is missing or equals receive_time was not). Not compared is what
// only says how to deliver it or when it came: priority, expire_time, receive_time.
bool SameContent(const Event& a, const Event& b);

// Puts a mutation's results back to what they are before it is applied; its inputs stay. The status
// becomes `status`.
void FailMutation(const absl::Status& status, Mutation* mutation);

// What an event counts for in Tenant::stored_bytes: `text_bytes` are those of id, type, source and
// subject.
inline constexpr int64_t kEventOverheadBytes = 256;
inline constexpr int64_t kDeliveryOverheadBytes = 128;
int64_t StoredBytes(size_t text_bytes, size_t data_bytes, size_t delivery_count);

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
