// An event is something that happened at a door. A plain value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire {

struct Event {
  std::string id;      // UUID version 7, or the publisher's own
  int64_t number = 0;  // position in the tenant's log, assigned by the store; 0 before that
  std::string type;
  std::string canonical_type;
  std::string source;
  std::string subject;
  std::map<std::string, std::string> attributes;
  absl::Time occur_time = absl::InfinitePast();  // InfinitePast: not given
  absl::Time receive_time = absl::InfinitePast();
  int priority = 4;  // 0 to 9; higher priorities leave first
  absl::Time expire_time = absl::InfiniteFuture();
  // The exact bytes that came in. If `is_json`, they are one well-formed JSON value, which is
  // checked where they enter.
  bool is_json = true;
  std::string data;
  std::string content_type;  // empty: application/json or application/octet-stream, by is_json
};

absl::string_view EffectiveContentType(const Event& event);

// When the event was durably received, which ages count from: its receive_time, or `now` if that
// lies in the future of `now` or before Latchwire existed, as from a clock that was never set.
absl::Time TrustedReceiveTime(const Event& event, absl::Time now);

}  // namespace latchwire
