#include "server/api/retry_policy_converter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

constexpr absl::Duration kDefaultMaxDelay = absl::Hours(24);
constexpr double kDefaultFactor = 2;

void CheckForm(const v1::RetryPolicy& proto, std::vector<FieldViolation>* violations) {
  const auto refuse = [violations](absl::string_view field, absl::string_view with) {
    violations->push_back({absl::StrCat("webhook.retry_policy.", field),
                           absl::StrCat("must be left out with ", with)});
  };
  if (proto.no_retries() && !proto.delays().empty()) refuse("delays", "no_retries");
  if (proto.no_retries() && proto.has_exponential()) refuse("exponential", "no_retries");
  if (proto.has_exponential() && !proto.delays().empty()) refuse("delays", "exponential");
}

RetryPolicy ExponentialFromProto(const v1::ExponentialRetry& proto,
                                 std::vector<FieldViolation>* violations) {
  ExponentialRetry retry;
  if (proto.has_first_delay()) {
    retry.first_delay =
        DurationFromProto(proto.first_delay(), "webhook.retry_policy.exponential.first_delay",
                          kMinRetryDelay, violations);
  }
  retry.factor = proto.factor() == 0 ? kDefaultFactor : proto.factor();
  retry.max_delay =
      proto.has_max_delay()
          ? DurationFromProto(proto.max_delay(), "webhook.retry_policy.exponential.max_delay",
                              kMaxRetryDelay, violations)
          : std::max(kDefaultMaxDelay, retry.first_delay);
  retry.max_attempts = proto.max_attempts();
  // Values that Validate is going to refuse are not unrolled.
  const bool unroll = retry.max_attempts >= 1 && retry.max_attempts <= kMaxRetryAttempts &&
                      retry.factor >= kMinRetryFactor && retry.factor <= kMaxRetryFactor;
  if (unroll) return RetryPolicy::FromExponential(retry);
  RetryPolicy policy;
  policy.exponential = retry;
  return policy;
}

}  // namespace

void ToProto(const RetryPolicy& policy, v1::RetryPolicy* proto) {
  if (policy.exponential) {
    v1::ExponentialRetry* exponential = proto->mutable_exponential();
    ToProto(policy.exponential->first_delay, exponential->mutable_first_delay());
    exponential->set_factor(policy.exponential->factor);
    ToProto(policy.exponential->max_delay, exponential->mutable_max_delay());
    exponential->set_max_attempts(policy.exponential->max_attempts);
  } else {
    proto->set_no_retries(policy.delays.empty());
    for (const absl::Duration delay : policy.delays) ToProto(delay, proto->add_delays());
  }
  if (policy.total_window != absl::InfiniteDuration()) {
    ToProto(policy.total_window, proto->mutable_total_window());
  }
}

RetryPolicy RetryPolicyFromProto(const v1::RetryPolicy& proto, const RetryPolicy& otherwise,
                                 std::vector<FieldViolation>* violations) {
  CheckForm(proto, violations);
  RetryPolicy policy;
  if (proto.no_retries()) {
    policy = RetryPolicy();
  } else if (proto.has_exponential()) {
    policy = ExponentialFromProto(proto.exponential(), violations);
  } else if (proto.delays().empty()) {
    policy = otherwise;
  } else {
    for (int i = 0; i < proto.delays_size(); ++i) {
      policy.delays.push_back(
          DurationFromProto(proto.delays(i), absl::StrCat("webhook.retry_policy.delays[", i, "]"),
                            kMinRetryDelay, violations));
    }
  }
  if (proto.has_total_window()) {
    policy.total_window = DurationFromProto(
        proto.total_window(), "webhook.retry_policy.total_window", kMaxRetryWindow, violations);
  }
  return policy;
}

}  // namespace latchwire
