#include "server/api/time_converter.h"

#include <algorithm>
#include <string>

namespace latchwire {
namespace {

constexpr int64_t kMinSeconds = -62'135'596'800;
constexpr int64_t kMaxSeconds = 253'402'300'799;
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int32_t kMaxNanos = 999'999'999;

}  // namespace

void ToProto(absl::Time time, google::protobuf::Timestamp* proto) {
  time = std::clamp(time, absl::FromUnixSeconds(kMinSeconds), absl::FromUnixSeconds(kMaxSeconds));
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto->set_seconds(seconds);
  proto->set_nanos(
      static_cast<int32_t>((time - absl::FromUnixSeconds(seconds)) / absl::Nanoseconds(1)));
}

void ToProto(absl::Duration duration, google::protobuf::Duration* proto) {
  const absl::Duration max = absl::Seconds(kMaxDurationSeconds);
  duration = std::clamp(duration, -max, max);
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(
      static_cast<int32_t>(absl::IDivDuration(duration, absl::Nanoseconds(1), &duration)));
}

std::optional<absl::Time> FromProto(const google::protobuf::Timestamp& proto) {
  if (proto.seconds() < kMinSeconds || proto.seconds() > kMaxSeconds || proto.nanos() < 0 ||
      proto.nanos() > kMaxNanos) {
    return std::nullopt;
  }
  return ToMicroseconds(absl::FromUnixSeconds(proto.seconds()) + absl::Nanoseconds(proto.nanos()));
}

std::optional<absl::Duration> FromProto(const google::protobuf::Duration& proto) {
  const bool signs_differ =
      (proto.seconds() < 0 && proto.nanos() > 0) || (proto.seconds() > 0 && proto.nanos() < 0);
  if (signs_differ || proto.seconds() < -kMaxDurationSeconds ||
      proto.seconds() > kMaxDurationSeconds || proto.nanos() < -kMaxNanos ||
      proto.nanos() > kMaxNanos) {
    return std::nullopt;
  }
  return absl::Trunc(absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos()),
                     absl::Microseconds(1));
}

absl::Duration DurationFromProto(const google::protobuf::Duration& proto, absl::string_view path,
                                 absl::Duration otherwise,
                                 std::vector<FieldViolation>* violations) {
  if (const auto value = FromProto(proto)) return *value;
  violations->push_back({std::string(path), "is not a valid google.protobuf.Duration"});
  return otherwise;
}

absl::Time ToMicroseconds(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

}  // namespace latchwire
