#include "server/store/driver/driver_rules.h"

namespace latchwire {
namespace {

// The occur_time that the sender gave, if it did.
absl::Time GivenOccurTime(const Event& event) {
  const absl::Time time = ToStoredTime(event.occur_time);
  return time == ToStoredTime(event.receive_time) ? absl::InfinitePast() : time;
}

}  // namespace

int64_t IdDay(absl::Time now) {
  return absl::ToInt64Hours(absl::Floor(now - absl::UnixEpoch(), absl::Hours(24))) / 24;
}

int64_t MinuteOf(absl::Time time) {
  return absl::ToInt64Minutes(absl::Floor(time - absl::UnixEpoch(), absl::Minutes(1)));
}

absl::Time ToStoredTime(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return time;
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

absl::Duration ToStoredDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration() || duration == -absl::InfiniteDuration()) {
    return duration;
  }
  return absl::Floor(duration, absl::Microseconds(1));
}

int64_t StoredBytes(size_t text_bytes, size_t data_bytes, size_t delivery_count) {
  return kEventOverheadBytes + static_cast<int64_t>(text_bytes + data_bytes) +
         kDeliveryOverheadBytes * static_cast<int64_t>(delivery_count);
}

int64_t StoredBytes(const Event& event, size_t delivery_count) {
  const size_t text_bytes =
      event.id.size() + event.type.size() + event.source.size() + event.subject.size();
  return StoredBytes(text_bytes, event.data.size(), delivery_count);
}

bool SameContent(const Event& a, const Event& b) {
  return a.type == b.type && a.canonical_type == b.canonical_type && a.source == b.source &&
         a.subject == b.subject && a.attributes == b.attributes && a.is_json == b.is_json &&
         a.data == b.data && EffectiveContentType(a) == EffectiveContentType(b) &&
         GivenOccurTime(a) == GivenOccurTime(b);
}

}  // namespace latchwire
