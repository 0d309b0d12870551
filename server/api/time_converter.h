// Times and durations: protobuf <-> absl.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/validation.h"

namespace latchwire {

// Cut to what a Timestamp can say (years 0001 to 9999).
void ToProto(absl::Time time, google::protobuf::Timestamp* proto);
void ToProto(absl::Duration duration, google::protobuf::Duration* proto);

// Nothing when seconds or nanos are out of the range that timestamp.proto and duration.proto allow.
// What is finer than a microsecond is cut off, as the store would do later: every answer about a
// resource then shows the same time.
std::optional<absl::Time> FromProto(const google::protobuf::Timestamp& proto);
std::optional<absl::Duration> FromProto(const google::protobuf::Duration& proto);

// The same, with a violation at `path` and `otherwise` as the value when it is out of that range.
absl::Duration DurationFromProto(const google::protobuf::Duration& proto, absl::string_view path,
                                 absl::Duration otherwise, std::vector<FieldViolation>* violations);

absl::Time ToMicroseconds(absl::Time time);

}  // namespace latchwire
