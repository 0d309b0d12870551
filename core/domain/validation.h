// Checks of what users send, all violations at once.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/domain/event.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"

namespace latchwire {

// One invalid field: the path as in the API (`event.type`, `webhook.any_of[2].source`) and a text
// that names the limit.
struct FieldViolation {
  std::string field;
  std::string description;
};

// `prefix` leads every path, such as "event" or "events[3]". An empty id is allowed (it is assigned
// later). Checks that data is well-formed JSON (RFC 8259, valid UTF-8) when is_json, without
// changing a byte of it.
std::vector<FieldViolation> Validate(const Event& event, absl::string_view prefix);
// Not the reachability of the URL's address: the transport judges that on every connection.
std::vector<FieldViolation> Validate(const Webhook& webhook, absl::string_view prefix);

std::vector<FieldViolation> Validate(const EventMatch& match, absl::string_view prefix);
std::vector<FieldViolation> Validate(const TenantSettings& settings, absl::string_view prefix);

bool IsValidTypePattern(absl::string_view pattern);
bool IsValidAgentName(absl::string_view name);  // 1 to 64 of a-z 0-9 - _ .

}  // namespace latchwire
