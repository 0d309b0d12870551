// Times and durations: protobuf <-> absl. Thread-safe.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/validation.h"

namespace latchwire {

// Clamp to what Timestamp (years 0001 to 9999) and Duration (10,000 years) can hold.
void ToProto(absl::Time time, google::protobuf::Timestamp* proto);
void ToProto(absl::Duration duration, google::protobuf::Duration* proto);

// Return nullopt when seconds or nanos are out of the range that timestamp.proto and duration.proto
// allow. What is finer than a microsecond is cut off, as the store would do later, so that every
// answer about a resource shows the same time.
std::optional<absl::Time> FromProto(const google::protobuf::Timestamp& proto);
std::optional<absl::Duration> FromProto(const google::protobuf::Duration& proto);

// The same, but out of that range it adds a violation at `path` and returns `otherwise`.
absl::Duration DurationFromProto(const google::protobuf::Duration& proto, absl::string_view path,
                                 absl::Duration otherwise, std::vector<FieldViolation>* violations);

// Cuts off what is finer than a microsecond.
absl::Time ToMicroseconds(absl::Time time);

}  // namespace latchwire
