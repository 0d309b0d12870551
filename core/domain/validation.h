// Checks what users send and reports all violations at once.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/domain/event.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"

namespace latchwire {

// One invalid field: its path in the API (`event.type`, `webhook.any_of[2].source`) and a text that
// names the limit.
struct FieldViolation {
  std::string field;
  std::string description;
};

// `prefix` begins every path, such as "event" or "events[3]". An empty id is allowed, since it is
// assigned later. If `is_json`, the data must be well-formed JSON (IsWellFormedJson).
std::vector<FieldViolation> Validate(const Event& event, absl::string_view prefix);
// Does not check whether the URL's address may be reached: the transport does, on every connection.
std::vector<FieldViolation> Validate(const Webhook& webhook, absl::string_view prefix);

std::vector<FieldViolation> Validate(const EventMatch& match, absl::string_view prefix);
std::vector<FieldViolation> Validate(const TenantSettings& settings, absl::string_view prefix);

bool IsValidTypePattern(absl::string_view pattern);
bool IsValidAgentName(absl::string_view name);  // 1 to 64 of a-z 0-9 - _ .

}  // namespace latchwire
