#include "core/domain/validation.h"

#include <algorithm>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/domain/url_syntax.h"

namespace latchwire {
namespace {

constexpr absl::string_view kTypeRule =
    "must be dot-separated segments of A-Z a-z 0-9 _ -, 1 to 200 characters";

// What the transport, or a proxy on the way, owns. `authorization` is the user's.
constexpr absl::string_view kSystemHeaders[] = {"host",
                                                "connection",
                                                "keep-alive",
                                                "transfer-encoding",
                                                "upgrade",
                                                "via",
                                                "te",
                                                "trailer",
                                                "content-length",
                                                "content-type",
                                                "origin",
                                                "permissions-policy",
                                                "user-agent",
                                                "accept",
                                                "accept-encoding",
                                                "accept-language",
                                                "x-forwarded-for",
                                                "x-forwarded-host",
                                                "x-forwarded-proto",
                                                "x-real-ip",
                                                "forwarded",
                                                "date",
                                                "expires",
                                                "last-modified",
                                                "cache-control",
                                                "etag",
                                                "if-match",
                                                "if-none-match",
                                                "access-control-allow-origin",
                                                "access-control-allow-methods",
                                                "access-control-allow-headers",
                                                "access-control-expose-headers"};

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

// RFC 7230 3.2.6.
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("!#$%&'*+-.^_`|~", c);
  });
}

class Violations {
 public:
  explicit Violations(absl::string_view prefix) : prefix_(prefix) {}

  template <typename... Parts>
  void Add(absl::string_view path, const Parts&... description) {
    found_.push_back(
        {absl::StrCat(prefix_, prefix_.empty() ? "" : ".", path), absl::StrCat(description...)});
  }

  // Text of at most `limit` code points that every store can hold.
  void CheckText(absl::string_view path, absl::string_view text, size_t limit) {
    const size_t count = CodePointCount(text);
    if (count == absl::string_view::npos) {
      Add(path, "is not valid UTF-8");
    } else if (count > limit) {
      Add(path, "must be at most ", limit, " characters, has ", count);
    } else if (absl::StrContains(text, '\0')) {
      Add(path, "must not hold U+0000");
    }
  }

  // The same in bytes.
  void CheckBytes(absl::string_view path, absl::string_view text, size_t limit) {
    if (text.size() > limit) {
      Add(path, "must be at most ", limit, " bytes, has ", text.size());
    } else {
      CheckText(path, text, limit);
    }
  }

  void CheckCount(absl::string_view path, size_t count, size_t limit) {
    if (count > limit) Add(path, "must have at most ", limit, " entries, has ", count);
  }

  void CheckDuration(absl::string_view path, absl::Duration value, absl::Duration min,
                     absl::Duration max) {
    if (value < min || value > max) {
      Add(path, "must be ", absl::FormatDuration(min), " to ", absl::FormatDuration(max), ", is ",
          absl::FormatDuration(value));
    }
  }

  std::vector<FieldViolation> Take() { return std::move(found_); }

 private:
  const absl::string_view prefix_;
  std::vector<FieldViolation> found_;
};

// The path of a map's entry. Keys are not checked yet: shown cut and escaped.
std::string EntryPath(absl::string_view map, absl::string_view key) {
  constexpr size_t kShown = 64;
  return absl::StrCat(map, "[\"", absl::CHexEscape(key.substr(0, kShown)),
                      key.size() > kShown ? "...\"]" : "\"]");
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

void CheckMatches(const std::vector<EventMatch>& matches, Violations* violations) {
  violations->CheckCount("any_of", matches.size(), kMaxMatches);
  for (size_t i = 0; i < std::min(matches.size(), kMaxMatches); ++i) {
    const std::string path = absl::StrCat("any_of[", i, "]");
    if (!matches[i].type_pattern.empty() && !IsValidTypePattern(matches[i].type_pattern)) {
      violations->Add(path + ".type_pattern", kTypeRule, "; a segment may be *");
    }
    violations->CheckText(path + ".source", matches[i].source, kMaxSourceLength);
    violations->CheckText(path + ".subject", matches[i].subject, kMaxSourceLength);
  }
}

void CheckHeaders(const std::map<std::string, std::string>& headers, Violations* violations) {
  violations->CheckCount("headers", headers.size(), kMaxHeaders);
  std::set<std::string> seen;
  for (const auto& [name, value] : headers) {
    const std::string path = EntryPath("headers", name);
    const std::string lower = absl::AsciiStrToLower(name);
    if (!IsToken(name)) {
      violations->Add(path, "must have an RFC 7230 token as its name");
    } else if (absl::c_linear_search(kSystemHeaders, lower)) {
      violations->Add(path, "is a system header, which cannot be set");
    } else if (!seen.insert(lower).second) {
      violations->Add(path, "is given twice, in names that differ only in case");
    }
    if (value.size() > kMaxHeaderValueBytes) {
      violations->Add(path, "must be at most ", kMaxHeaderValueBytes, " bytes, has ", value.size());
    }
    if (!std::all_of(value.begin(), value.end(),
                     [](unsigned char c) { return c == '\t' || absl::ascii_isprint(c); })) {
      violations->Add(path, "must be printable ASCII and tab");
    }
  }
}

void CheckRetryPolicy(const RetryPolicy& policy, Violations* violations) {
  violations->CheckCount("retry_policy.delays", policy.delays.size(), kMaxRetryDelays);
  for (size_t i = 0; i < std::min(policy.delays.size(), kMaxRetryDelays); ++i) {
    violations->CheckDuration(absl::StrCat("retry_policy.delays[", i, "]"), policy.delays[i],
                              kMinRetryDelay, kMaxRetryDelay);
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

std::vector<FieldViolation> Validate(const Webhook& webhook, absl::string_view prefix) {
  Violations violations(prefix);
  violations.CheckText("display_name", webhook.display_name, kMaxDisplayNameLength);
  if (const auto error = UrlSyntaxError(webhook.url)) violations.Add("url", *error);
  CheckMatches(webhook.any_of, &violations);
  CheckHeaders(webhook.headers, &violations);
  violations.CheckDuration("timeout", webhook.timeout, kMinTimeout, kMaxTimeout);
  CheckRetryPolicy(webhook.retry_policy, &violations);
  if (webhook.max_in_flight < 1 || webhook.max_in_flight > kMaxInFlight) {
    violations.Add("max_in_flight", "must be 1 to ", kMaxInFlight, ", is ", webhook.max_in_flight);
  }
  if (webhook.max_event_age != absl::InfiniteDuration()) {
    violations.CheckDuration("max_event_age", webhook.max_event_age, kMinEventAge, kMaxEventAge);
  }
  violations.CheckCount("annotations", webhook.annotations.size(), kMaxAnnotations);
  for (const auto& [key, value] : webhook.annotations) {
    const std::string path = EntryPath("annotations", key);
    const size_t length = CodePointCount(key);
    if (length == 0 || length > kMaxAnnotationKeyLength || absl::StrContains(key, '\0')) {
      violations.Add(path, "must have a key of 1 to ", kMaxAnnotationKeyLength, " characters");
    }
    violations.CheckBytes(path, value, kMaxAnnotationValueBytes);
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
