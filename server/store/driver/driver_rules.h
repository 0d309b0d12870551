// What all drivers of the store must decide alike: limits of what is looked at, the grain of times,
// what makes two events the same, what counts as stored. For drivers only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "core/domain/event.h"

namespace latchwire {

// Rows that one page of ListEvents or ListDeliveries looks at, at most.
inline constexpr int kMaxRowsPerPage = 4096;

// Ids are kept by the UTC day of the append: those of today and of this many days before are found,
// so an id is known for 8 days at least and for less than 9.
inline constexpr int64_t kIdDays = 8;
int64_t IdDay(absl::Time now);  // days since 1970-01-01

// An event's age is counted from the minute in which it was stored: minutes since 1970.
int64_t MinuteOf(absl::Time time);

// Times are kept in microseconds, rounded down; infinite ones stay what they are.
absl::Time ToStoredTime(absl::Time time);
absl::Duration ToStoredDuration(absl::Duration duration);

// Whether an event that comes again with a known id is the same one: type, canonical_type, source,
// subject, attributes, is_json, the exact bytes of data, the effective content type, and occur_time
// as far as it was given (one that is missing or equals receive_time was not). Not compared is what
// only says how to deliver it or when it came: priority, expire_time, receive_time.
bool SameContent(const Event& a, const Event& b);

// What an event counts for in Tenant::stored_bytes; `text_bytes` are those of id, type, source and
// subject.
inline constexpr int64_t kEventOverheadBytes = 256;
inline constexpr int64_t kDeliveryOverheadBytes = 128;
int64_t StoredBytes(size_t text_bytes, size_t data_bytes, size_t delivery_count);
int64_t StoredBytes(const Event& event, size_t delivery_count);

}  // namespace latchwire
