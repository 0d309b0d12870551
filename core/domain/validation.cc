#include "core/domain/validation.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/domain/matching.h"
#include "core/domain/violations.h"
#include "core/json/json_syntax.h"

namespace latchwire {
namespace {

bool IsSegmentCharacter(unsigned char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; }

bool IsSegment(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsSegmentCharacter);
}

bool IsType(absl::string_view type) {
  if (type.empty() || type.size() > kMaxTypeLength) return false;
  for (const absl::string_view segment : absl::StrSplit(type, '.')) {
    if (!IsSegment(segment)) return false;
  }
  return true;
}

bool IsEventId(absl::string_view id) {
  if (id.size() > kMaxEventIdLength) return false;
  bool all_digits = true;
  for (const unsigned char c : id) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains("-_:~.", c)) return false;
    all_digits = all_digits && absl::ascii_isdigit(c);
  }
  return !all_digits;
}

bool IsAttributeKey(absl::string_view key) {
  return !key.empty() && key.size() <= kMaxAttributeKeyLength &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
         });
}

void CheckTime(absl::string_view path, absl::Time time, Violations* violations) {
  static const absl::Time kMin = absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone());
  static const absl::Time kEnd = absl::FromCivil(absl::CivilYear(10000), absl::UTCTimeZone());
  if (time < kMin || time >= kEnd) {
    violations->Add(path, "must be in the years 0001 to 9999");
  }
}

void CheckData(const Event& event, Violations* violations) {
  const absl::string_view path = event.is_json ? "json" : "binary";
  if (event.data.size() > kMaxEventDataBytes) {
    violations->Add(path, "must be at most ", kMaxEventDataBytes, " bytes, has ",
                    event.data.size());
    return;
  }
  std::string error;
  if (event.is_json && !IsWellFormedJson(event.data, &error)) {
    violations->Add(path, "must be one JSON value: ", error);
  }
}

}  // namespace

std::vector<FieldViolation> Validate(const Event& event, absl::string_view prefix) {
  Violations violations(prefix);
  if (!event.id.empty() && !IsEventId(event.id)) {
    violations.Add("id", "must be 1 to ", kMaxEventIdLength,
                   " characters of A-Z a-z 0-9 - _ : ~ . and not all digits");
  }
  if (!IsType(event.type)) violations.Add("type", kTypeRule);
  if (!event.canonical_type.empty() && !IsType(event.canonical_type)) {
    violations.Add("canonical_type", kTypeRule, ", or empty");
  }
  // Nobody else may say what only the server knows.
  constexpr absl::string_view kOurs = "must not have the first segment `latchwire`";
  if (IsOperationalType(event.type)) violations.Add("type", kOurs);
  if (IsOperationalType(event.canonical_type)) violations.Add("canonical_type", kOurs);
  violations.CheckText("source", event.source, kMaxSourceLength);
  violations.CheckText("subject", event.subject, kMaxSourceLength);

  violations.CheckCount("attributes", event.attributes.size(), kMaxAttributes);
  for (const auto& [key, value] : event.attributes) {
    const std::string path = EntryPath("attributes", key);
    if (!IsAttributeKey(key)) {
      violations.Add(path, "must have a key of 1 to ", kMaxAttributeKeyLength,
                     " characters of a-z 0-9 _");
    }
    violations.CheckBytes(path, value, kMaxAttributeValueBytes);
  }

  if (event.occur_time != absl::InfinitePast()) {
    CheckTime("occur_time", event.occur_time, &violations);
  }
  if (event.expire_time != absl::InfiniteFuture()) {
    CheckTime("expire_time", event.expire_time, &violations);
  }
  if (event.priority < kMinPriority || event.priority > kMaxPriority) {
    violations.Add("priority", "must be ", kMinPriority, " to ", kMaxPriority, ", is ",
                   event.priority);
  }
  CheckData(event, &violations);
  if (event.content_type.size() > kMaxContentTypeLength ||
      !std::all_of(event.content_type.begin(), event.content_type.end(),
                   [](unsigned char c) { return absl::ascii_isprint(c); })) {
    violations.Add("content_type", "must be at most ", kMaxContentTypeLength,
                   " characters of printable ASCII");
  }
  return violations.Take();
}

bool IsValidTypePattern(absl::string_view pattern) {
  if (pattern.empty() || pattern.size() > kMaxTypeLength) return false;
  for (const absl::string_view segment : absl::StrSplit(pattern, '.')) {
    if (segment != "*" && !IsSegment(segment)) return false;
  }
  return true;
}

bool IsValidAgentName(absl::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' ||
                  c == '.';
         });
}

}  // namespace latchwire
