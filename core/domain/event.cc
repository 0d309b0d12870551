#include "core/domain/event.h"

namespace latchwire {

absl::string_view EffectiveContentType(const Event& event) {
  if (!event.content_type.empty()) return event.content_type;
  return event.is_json ? "application/json" : "application/octet-stream";
}

absl::Time TrustedReceiveTime(const Event& event, absl::Time now) {
  static const absl::Time kNoClockBefore =
      absl::FromCivil(absl::CivilYear(2020), absl::UTCTimeZone());
  const bool trusted = event.receive_time >= kNoClockBefore && event.receive_time <= now;
  return trusted ? event.receive_time : now;
}

}  // namespace latchwire
