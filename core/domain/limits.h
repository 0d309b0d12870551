// The limits of the API, in one place. Every entrance enforces them; the protos state them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace latchwire {

inline constexpr size_t kMaxEventDataBytes = 256 * 1024;
inline constexpr size_t kMaxBatchEvents = 512;
inline constexpr size_t kMaxBatchBytes = 1024 * 1024;
inline constexpr size_t kMaxRestBodyBytes = 1024 * 1024;
inline constexpr size_t kMaxEventIdLength = 128;
inline constexpr size_t kMaxTypeLength = 200;
inline constexpr size_t kMaxSourceLength = 200;  // code points; also of subject
inline constexpr size_t kMaxContentTypeLength = 200;
inline constexpr size_t kMaxAttributes = 64;
inline constexpr size_t kMaxAttributeKeyLength = 64;
inline constexpr size_t kMaxAttributeValueBytes = 1024;
inline constexpr int kMinPriority = 0;
inline constexpr int kMaxPriority = 9;
inline constexpr int kDefaultPriority = 4;
inline constexpr int kLaneCount = 4;

inline constexpr size_t kMaxDisplayNameLength = 200;
inline constexpr size_t kMaxMatches = 256;
inline constexpr size_t kMaxHeaders = 64;
inline constexpr size_t kMaxHeaderValueBytes = 4096;
inline constexpr size_t kMaxAnnotations = 64;
inline constexpr size_t kMaxAnnotationKeyLength = 64;
inline constexpr size_t kMaxAnnotationValueBytes = 4096;
inline constexpr size_t kMaxRetryDelays = 30;
inline constexpr size_t kMaxWebhookSecrets = 8;
inline constexpr size_t kMinStandardSecretBytes = 24;
inline constexpr size_t kMaxStandardSecretBytes = 64;
inline constexpr int kMaxInFlight = 256;
inline constexpr int kDefaultInFlight = 64;
inline constexpr int64_t kMaxMaxPending = 100'000'000;
inline constexpr int64_t kDefaultBestEffortPending = 100;
inline constexpr double kMinAttemptsPerSecond = 0.001;
inline constexpr double kMaxAttemptsPerSecond = 100'000;
inline constexpr int kMaxRateBurst = 100'000;
inline constexpr int kMaxBreakerThreshold = 10'000;
inline constexpr int kDefaultBreakerThreshold = 20;
inline constexpr absl::Duration kDefaultBreakerOpenTime = absl::Seconds(5);
inline constexpr absl::Duration kDefaultBreakerMaxOpenTime = absl::Minutes(5);
inline constexpr absl::Duration kMinBreakerOpenTime = absl::Milliseconds(100);
inline constexpr absl::Duration kMaxBreakerOpenTime = absl::Hours(24);
inline constexpr int kMaxSuspendFailures = 1'000'000;
inline constexpr int kDefaultSuspendFailures = 20;
inline constexpr absl::Duration kDefaultSuspendSpan = absl::Hours(5 * 24);
inline constexpr absl::Duration kMaxSuspendSpan = absl::Hours(90 * 24);
inline constexpr int kMaxRetryAttempts = 31;  // kMaxRetryDelays and the first
inline constexpr double kMinRetryFactor = 1;
inline constexpr double kMaxRetryFactor = 10;
inline constexpr absl::Duration kMaxRetryWindow = absl::Hours(30 * 24);

// Limits of a tenant.
inline constexpr absl::Duration kMinEventRetention = absl::Minutes(1);
inline constexpr absl::Duration kMaxEventRetention = absl::Hours(24 * 3660);
inline constexpr absl::Duration kDefaultEventRetention = absl::Hours(24 * 30);
// How much longer than its retention an event is kept for its pending deliveries.
inline constexpr absl::Duration kMaxHeldTime = absl::Hours(24 * 3660);
inline constexpr absl::Duration kDefaultHeldTime = absl::Hours(24 * 60);
inline constexpr double kMinEventsPerSecond = 0.001;
inline constexpr double kMaxEventsPerSecond = 1'000'000;
inline constexpr size_t kMaxRunningRecoveryJobs = 100;

inline constexpr absl::Duration kMinTimeout = absl::Seconds(1);
inline constexpr absl::Duration kMaxTimeout = absl::Seconds(60);
inline constexpr absl::Duration kDefaultTimeout = absl::Seconds(15);
inline constexpr absl::Duration kMinRetryDelay = absl::Seconds(1);
inline constexpr absl::Duration kMaxRetryDelay = absl::Hours(7 * 24);
inline constexpr absl::Duration kMinEventAge = absl::Seconds(1);
inline constexpr absl::Duration kMaxEventAge = absl::Hours(30 * 24);
inline constexpr size_t kKeptResponseBytes = 4096;

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;

}  // namespace latchwire
