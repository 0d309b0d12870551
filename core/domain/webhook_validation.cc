// What a webhook must look like.
#include <algorithm>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "core/domain/limits.h"
#include "core/domain/validation.h"
#include "core/domain/violations.h"
#include "core/http/url.h"
#include "core/json/utf8.h"

namespace latchwire {
namespace {

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

// RFC 7230 3.2.6.
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("!#$%&'*+-.^_`|~", c);
  });
}

void CheckMatch(absl::string_view prefix, const EventMatch& match, Violations* violations) {
  if (!match.type_pattern.empty() && !IsValidTypePattern(match.type_pattern)) {
    violations->Add(absl::StrCat(prefix, "type_pattern"), kTypeRule, "; a segment may be *");
  }
  violations->CheckText(absl::StrCat(prefix, "source"), match.source, kMaxSourceLength);
  violations->CheckText(absl::StrCat(prefix, "subject"), match.subject, kMaxSourceLength);
}

void CheckMatches(const std::vector<EventMatch>& matches, Violations* violations) {
  violations->CheckCount("any_of", matches.size(), kMaxMatches);
  for (size_t i = 0; i < std::min(matches.size(), kMaxMatches); ++i) {
    CheckMatch(absl::StrCat("any_of[", i, "]."), matches[i], violations);
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

void CheckExponential(const ExponentialRetry& retry, Violations* violations) {
  const std::string path = "retry_policy.exponential.";
  violations->CheckDuration(path + "first_delay", retry.first_delay, kMinRetryDelay,
                            kMaxRetryDelay);
  violations->CheckRange(path + "factor", retry.factor, kMinRetryFactor, kMaxRetryFactor);
  violations->CheckDuration(path + "max_delay", retry.max_delay,
                            std::clamp(retry.first_delay, kMinRetryDelay, kMaxRetryDelay),
                            kMaxRetryDelay);
  violations->CheckRange(path + "max_attempts", retry.max_attempts, 1, kMaxRetryAttempts);
}

void CheckRetryPolicy(const RetryPolicy& policy, Violations* violations) {
  if (policy.exponential) {
    CheckExponential(*policy.exponential, violations);
  } else {
    violations->CheckCount("retry_policy.delays", policy.delays.size(), kMaxRetryDelays);
    for (size_t i = 0; i < std::min(policy.delays.size(), kMaxRetryDelays); ++i) {
      violations->CheckDuration(absl::StrCat("retry_policy.delays[", i, "]"), policy.delays[i],
                                kMinRetryDelay, kMaxRetryDelay);
    }
  }
  if (policy.total_window != absl::InfiniteDuration()) {
    violations->CheckDuration("retry_policy.total_window", policy.total_window, kMinRetryDelay,
                              kMaxRetryWindow);
  }
}

void CheckLimits(const Webhook& webhook, Violations* violations) {
  const RateLimit& rate = webhook.rate_limit;
  if (rate.attempts_per_s != 0) {
    violations->CheckRange("rate_limit.attempts_per_second", rate.attempts_per_s,
                           kMinAttemptsPerSecond, kMaxAttemptsPerSecond);
    violations->CheckRange("rate_limit.burst", rate.burst, 1, kMaxRateBurst);
  }
  const CircuitBreakerPolicy& breaker = webhook.circuit_breaker;
  if (breaker.failure_threshold != 0) {
    violations->CheckRange("circuit_breaker.failure_threshold", breaker.failure_threshold, 1,
                           kMaxBreakerThreshold);
    violations->CheckDuration("circuit_breaker.open_time", breaker.open_time, kMinBreakerOpenTime,
                              kMaxBreakerOpenTime);
    violations->CheckDuration(
        "circuit_breaker.max_open_time", breaker.max_open_time,
        std::clamp(breaker.open_time, kMinBreakerOpenTime, kMaxBreakerOpenTime),
        kMaxBreakerOpenTime);
  }
  if (webhook.auto_suspend.failure_count != 0) {
    violations->CheckRange("auto_suspend.failure_count", webhook.auto_suspend.failure_count, 1,
                           kMaxSuspendFailures);
    violations->CheckDuration("auto_suspend.failure_span", webhook.auto_suspend.failure_span,
                              absl::ZeroDuration(), kMaxSuspendSpan);
  }
  violations->CheckRange("max_pending", webhook.max_pending, int64_t{0}, kMaxMaxPending);
}

}  // namespace

std::vector<FieldViolation> Validate(const EventMatch& match, absl::string_view prefix) {
  Violations violations(prefix);
  CheckMatch("", match, &violations);
  return violations.Take();
}

std::vector<FieldViolation> Validate(const Webhook& webhook, absl::string_view prefix) {
  Violations violations(prefix);
  violations.CheckText("display_name", webhook.display_name, kMaxDisplayNameLength);
  if (const auto url = ParseUrl(webhook.url); !url.ok()) {
    violations.Add("url", url.status().message());
  }
  CheckMatches(webhook.any_of, &violations);
  CheckHeaders(webhook.headers, &violations);
  violations.CheckDuration("timeout", webhook.timeout, kMinTimeout, kMaxTimeout);
  CheckRetryPolicy(webhook.retry_policy, &violations);
  violations.CheckRange("max_in_flight", webhook.max_in_flight, 1, kMaxInFlight);
  CheckLimits(webhook, &violations);
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

}  // namespace latchwire
