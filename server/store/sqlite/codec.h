// How values that no query asks for are packed into one column, and times into integers.
//
// Stored: a layout once released is never changed. Each record starts with a format number, so that
// a later one can be told apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/recovery_job.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"

namespace latchwire::sqlite {

// Keys. Tenants are below 2^23, event numbers below 2^40, webhook uids below 2^32.
inline constexpr int kNumberBits = 40;
inline constexpr int kUidBits = 32;
inline int64_t EventKey(TenantId tenant, int64_t number) {
  return (tenant << kNumberBits) | number;
}
inline int64_t NumberOf(int64_t event_key) { return event_key & ((int64_t{1} << kNumberBits) - 1); }
inline int64_t PackedKey(WebhookKey key) { return (key.tenant << kUidBits) | key.uid; }
inline WebhookKey UnpackedKey(int64_t key) {
  return {key >> kUidBits, key & ((int64_t{1} << kUidBits) - 1)};
}

// Microseconds since 1970; the infinite ones are the smallest and the largest integer.
int64_t PackTime(absl::Time time);
absl::Time UnpackTime(int64_t micros);

// The key of an id in the daily tables: the 16 bytes of a UUID in canonical form, else a truncated
// SHA-256 of 17 bytes, so that no id can be made to look like another's UUID.
std::string EventIdKey(absl::string_view id);
// An id as the event's row holds it: 16 bytes are a UUID, told from text by the column's type.
bool IsCanonicalUuid(absl::string_view id, std::string* bytes);
std::string UuidText(absl::string_view bytes);

// What the event's own columns do not hold, and the webhooks it goes to (ascending uids).
void PackEvent(const Event& event, const std::vector<int64_t>& webhooks, std::string* out);
absl::Status UnpackEvent(absl::string_view packed, Event* event, std::vector<int64_t>* webhooks);

void PackAttempt(const Attempt& attempt, std::string* out);  // all but its number
absl::Status UnpackAttempt(absl::string_view packed, Attempt* attempt);

// What the webhook's own columns (key, id, revision, state, display_name, url) do not hold.
std::string PackWebhook(const Webhook& webhook);
absl::Status UnpackWebhook(absl::string_view packed, Webhook* webhook);

// No bytes at all are the defaults.
std::string PackTenantSettings(const TenantSettings& settings);
absl::Status UnpackTenantSettings(absl::string_view packed, TenantSettings* settings);

// What the job's own columns (tenant, number, id, state) do not hold.
std::string PackRecoveryJob(const RecoveryJob& job);
absl::Status UnpackRecoveryJob(absl::string_view packed, RecoveryJob* job);

}  // namespace latchwire::sqlite
