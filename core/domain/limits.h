// The limits of the API, in one place. Every entrance enforces them; the protos state them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace latchwire {

inline constexpr size_t kMaxEventDataBytes = 256 * 1024;
inline constexpr size_t kMaxJsonDepth = 512;
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

inline constexpr size_t kMinUrlLength = 4;  // code points
inline constexpr size_t kMaxUrlLength = 2000;
inline constexpr size_t kMaxDisplayNameLength = 200;
inline constexpr size_t kMaxMatches = 256;
inline constexpr size_t kMaxHeaders = 64;
inline constexpr size_t kMaxHeaderValueBytes = 4096;
inline constexpr size_t kMaxAnnotations = 64;
inline constexpr size_t kMaxAnnotationKeyLength = 64;
inline constexpr size_t kMaxAnnotationValueBytes = 4096;
inline constexpr size_t kMaxRetryDelays = 30;
inline constexpr size_t kMinStandardSecretBytes = 24;
inline constexpr size_t kMaxStandardSecretBytes = 64;
inline constexpr int kMaxInFlight = 256;
inline constexpr int kDefaultInFlight = 64;
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
