// Times and durations: protobuf <-> absl.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>

#include "absl/time/time.h"

namespace latchwire {

// Cut to what a Timestamp can say (years 0001 to 9999).
void ToProto(absl::Time time, google::protobuf::Timestamp* proto);
void ToProto(absl::Duration duration, google::protobuf::Duration* proto);

// Nothing when seconds or nanos are out of the range that timestamp.proto and duration.proto allow.
// What is finer than a microsecond is cut off, as the store would do later: every answer about a
// resource then shows the same time.
std::optional<absl::Time> FromProto(const google::protobuf::Timestamp& proto);
std::optional<absl::Duration> FromProto(const google::protobuf::Duration& proto);

absl::Time ToMicroseconds(absl::Time time);

}  // namespace latchwire
