#include "server/api/webhook_limits_converter.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/domain/limits.h"
#include "core/net/transport.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

constexpr absl::string_view kWithDisabled = "must be left out with disabled";

RateLimit RateLimitFromProto(const v1::RateLimit& proto, std::vector<FieldViolation>* violations) {
  RateLimit limit;
  limit.attempts_per_s = proto.attempts_per_second();
  if (limit.attempts_per_s == 0) {  // in the domain that is no limit
    violations->push_back(
        {"webhook.rate_limit.attempts_per_second",
         absl::StrCat("must be ", kMinAttemptsPerSecond, " to ", kMaxAttemptsPerSecond, ", is 0")});
    return limit;
  }
  const double second = std::isfinite(limit.attempts_per_s)
                            ? std::clamp<double>(std::ceil(limit.attempts_per_s), 1, kMaxRateBurst)
                            : 1;
  limit.burst = proto.burst() == 0 ? static_cast<int>(second) : proto.burst();
  return limit;
}

CircuitBreakerPolicy CircuitBreakerFromProto(const v1::CircuitBreaker& proto,
                                             std::vector<FieldViolation>* violations) {
  CircuitBreakerPolicy breaker;
  const std::string path = "webhook.circuit_breaker.";
  if (proto.disabled()) {
    breaker.failure_threshold = 0;
    const std::pair<const char*, bool> others[] = {
        {"failure_threshold", proto.failure_threshold() != 0},
        {"open_time", proto.has_open_time()},
        {"max_open_time", proto.has_max_open_time()}};
    for (const auto& [field, given] : others) {
      if (given) violations->push_back({path + field, std::string(kWithDisabled)});
    }
    return breaker;
  }
  if (proto.failure_threshold() != 0) breaker.failure_threshold = proto.failure_threshold();
  if (proto.has_open_time()) {
    breaker.open_time = DurationFromProto(proto.open_time(), path + "open_time",
                                          kDefaultBreakerOpenTime, violations);
  }
  breaker.max_open_time = proto.has_max_open_time()
                              ? DurationFromProto(proto.max_open_time(), path + "max_open_time",
                                                  kMaxBreakerOpenTime, violations)
                              : std::max(kDefaultBreakerMaxOpenTime, breaker.open_time);
  return breaker;
}

AutoSuspendPolicy AutoSuspendFromProto(const v1::AutoSuspend& proto,
                                       std::vector<FieldViolation>* violations) {
  AutoSuspendPolicy suspend;
  const std::string path = "webhook.auto_suspend.";
  if (proto.disabled()) {
    suspend.failure_count = 0;
    const std::pair<const char*, bool> others[] = {{"failure_count", proto.failure_count() != 0},
                                                   {"failure_span", proto.has_failure_span()}};
    for (const auto& [field, given] : others) {
      if (given) violations->push_back({path + field, std::string(kWithDisabled)});
    }
    return suspend;
  }
  if (proto.failure_count() != 0) suspend.failure_count = proto.failure_count();
  if (proto.has_failure_span()) {
    suspend.failure_span = DurationFromProto(proto.failure_span(), path + "failure_span",
                                             kDefaultSuspendSpan, violations);
  }
  return suspend;
}

v1::CircuitBreaker::State BreakerStateToProto(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return v1::CircuitBreaker::STATE_CLOSED;
    case BreakerState::kOpen:
      return v1::CircuitBreaker::STATE_OPEN;
    case BreakerState::kHalfOpen:
      return v1::CircuitBreaker::STATE_HALF_OPEN;
  }
  return v1::CircuitBreaker::STATE_UNSPECIFIED;
}

v1::Webhook::Overflow OverflowToProto(OverflowPolicy overflow) {
  switch (overflow) {
    case OverflowPolicy::kReject:
      return v1::Webhook::OVERFLOW_REJECT;
    case OverflowPolicy::kDropOldest:
      return v1::Webhook::OVERFLOW_DROP_OLDEST;
    case OverflowPolicy::kDropNewest:
      return v1::Webhook::OVERFLOW_DROP_NEWEST;
  }
  return v1::Webhook::OVERFLOW_UNSPECIFIED;
}

OverflowPolicy OverflowFromProto(v1::Webhook::Overflow overflow, OverflowPolicy otherwise,
                                 std::vector<FieldViolation>* violations) {
  switch (overflow) {
    case v1::Webhook::OVERFLOW_UNSPECIFIED:
      return otherwise;
    case v1::Webhook::OVERFLOW_REJECT:
      return OverflowPolicy::kReject;
    case v1::Webhook::OVERFLOW_DROP_OLDEST:
      return OverflowPolicy::kDropOldest;
    case v1::Webhook::OVERFLOW_DROP_NEWEST:
      return OverflowPolicy::kDropNewest;
    default:
      violations->push_back({"webhook.overflow", absl::StrCat("has the unknown value ", overflow)});
      return otherwise;
  }
}

// The profile's members have other names in the API.
FieldViolation TlsViolation(absl::string_view message) {
  static const std::vector<std::pair<absl::string_view, absl::string_view>> names = {
      {"ca_pem", "ca_certificates"},
      {"certificate_pem", "client_certificate"},
      {"private_key_pem", "client_key"}};
  FieldViolation violation{"webhook.tls", std::string(message)};
  for (const auto& [member, field] : names) {
    if (absl::StartsWith(message, absl::StrCat(member, " "))) {
      violation = {absl::StrCat("webhook.tls.", field),
                   std::string(message.substr(member.size() + 1))};
      break;
    }
  }
  violation.description = absl::StrReplaceAll(violation.description, names);
  return violation;
}

}  // namespace

void LimitsToProto(const Webhook& webhook, v1::Webhook* proto) {
  if (webhook.rate_limit.attempts_per_s != 0) {
    proto->mutable_rate_limit()->set_attempts_per_second(webhook.rate_limit.attempts_per_s);
    proto->mutable_rate_limit()->set_burst(webhook.rate_limit.burst);
  }
  v1::CircuitBreaker* breaker = proto->mutable_circuit_breaker();
  if (webhook.circuit_breaker.failure_threshold == 0) {
    breaker->set_disabled(true);
  } else {
    breaker->set_failure_threshold(webhook.circuit_breaker.failure_threshold);
    ToProto(webhook.circuit_breaker.open_time, breaker->mutable_open_time());
    ToProto(webhook.circuit_breaker.max_open_time, breaker->mutable_max_open_time());
  }
  v1::AutoSuspend* suspend = proto->mutable_auto_suspend();
  if (webhook.auto_suspend.failure_count == 0) {
    suspend->set_disabled(true);
  } else {
    suspend->set_failure_count(webhook.auto_suspend.failure_count);
    ToProto(webhook.auto_suspend.failure_span, suspend->mutable_failure_span());
  }
  proto->set_max_pending(webhook.max_pending);
  proto->set_overflow(OverflowToProto(webhook.overflow));
}

void LimitsFromProto(const v1::Webhook& proto, Webhook* webhook,
                     std::vector<FieldViolation>* violations) {
  webhook->rate_limit =
      proto.has_rate_limit() ? RateLimitFromProto(proto.rate_limit(), violations) : RateLimit();
  webhook->circuit_breaker = CircuitBreakerFromProto(proto.circuit_breaker(), violations);
  webhook->auto_suspend = AutoSuspendFromProto(proto.auto_suspend(), violations);
  const bool best_effort = webhook->guarantee == WebhookGuarantee::kBestEffort;
  webhook->max_pending = proto.max_pending();
  if (webhook->max_pending == 0 && best_effort) webhook->max_pending = kDefaultBestEffortPending;
  webhook->overflow = OverflowFromProto(
      proto.overflow(), best_effort ? OverflowPolicy::kDropNewest : OverflowPolicy::kReject,
      violations);
}

void TlsToProto(const TlsProfile& tls, bool with_key, v1::ClientTls* proto) {
  proto->set_ca_certificates(tls.ca_pem);
  proto->set_client_certificate(tls.certificate_pem);
  if (with_key) proto->set_client_key(tls.private_key_pem);
}

std::shared_ptr<const TlsProfile> TlsFromProto(const v1::ClientTls& proto,
                                               std::vector<FieldViolation>* violations) {
  if (proto.ca_certificates().empty() && proto.client_certificate().empty() &&
      proto.client_key().empty()) {
    return nullptr;
  }
  TlsProfile profile{proto.ca_certificates(), proto.client_certificate(), proto.client_key()};
  if (const absl::Status status = CheckTlsProfile(profile); !status.ok()) {
    violations->push_back(TlsViolation(status.message()));
  }
  return std::make_shared<const TlsProfile>(std::move(profile));
}

void StatusToProto(const WebhookStats& stats, const BreakerStatus& breaker,
                   v1::Webhook::Status* proto) {
  proto->set_pending_count(stats.pending);
  proto->set_succeeded_count(stats.succeeded);
  proto->set_dead_count(stats.dead);
  proto->set_expired_count(stats.expired);
  proto->set_dropped_count(stats.dropped);
  proto->set_consecutive_failure_count(stats.consecutive_failures);
  if (stats.failing_since != absl::InfinitePast()) {
    ToProto(stats.failing_since, proto->mutable_failing_since());
  }
  if (stats.last_failure_time != absl::InfinitePast()) {
    ToProto(stats.last_failure_time, proto->mutable_last_failure_time());
  }
  proto->set_last_failure(stats.last_failure);
  if (stats.last_success_time != absl::InfinitePast()) {
    ToProto(stats.last_success_time, proto->mutable_last_success_time());
  }
  proto->set_breaker_state(BreakerStateToProto(breaker.state));
  if (breaker.state != BreakerState::kClosed && breaker.since != absl::InfinitePast()) {
    ToProto(breaker.since, proto->mutable_breaker_state_time());
  }
  if (breaker.state == BreakerState::kOpen && breaker.open_until != absl::InfinitePast()) {
    ToProto(breaker.open_until, proto->mutable_next_probe_time());
  }
}

}  // namespace latchwire
