#include "server/api/webhook_converter.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/formats/format.h"
#include "core/http/url.h"
#include "server/api/retry_policy_converter.h"
#include "server/api/time_converter.h"
#include "server/api/webhook_limits_converter.h"

namespace latchwire {
namespace {

constexpr WebhookFormat kDefaultFormat = WebhookFormat::kStandardWebhooks;

// The table of core/formats goes by the numbers of the API.
WebhookFormat FormatFromProto(const v1::Webhook& proto, std::vector<FieldViolation>* violations) {
  if (proto.format() == v1::Webhook::FORMAT_UNSPECIFIED) return kDefaultFormat;
  if (const auto format = FormatOfNumber(proto.format())) return *format;
  violations->push_back({"webhook.format", absl::StrCat("has the unknown value ", proto.format())});
  return kDefaultFormat;
}

WebhookOrdering OrderingFromProto(const v1::Webhook& proto,
                                  std::vector<FieldViolation>* violations) {
  switch (proto.ordering()) {
    case v1::Webhook::ORDERING_UNSPECIFIED:
    case v1::Webhook::ORDERING_NONE:
      return WebhookOrdering::kNone;
    case v1::Webhook::ORDERING_BY_SUBJECT:
      return WebhookOrdering::kBySubject;
    default:
      violations->push_back(
          {"webhook.ordering", absl::StrCat("has the unknown value ", proto.ordering())});
      return WebhookOrdering::kNone;
  }
}

WebhookState StateFromProto(const v1::Webhook& proto, WebhookState current,
                            std::vector<FieldViolation>* violations) {
  switch (proto.state()) {
    case v1::Webhook::STATE_UNSPECIFIED:
    case v1::Webhook::STATE_ACTIVE:
      return WebhookState::kActive;
    case v1::Webhook::STATE_DISABLED:
      return WebhookState::kDisabled;
    case v1::Webhook::STATE_PAUSED:
      return WebhookState::kPaused;
    case v1::Webhook::STATE_SUSPENDED:
      if (current != WebhookState::kSuspended) {
        violations->push_back(
            {"webhook.state", "can be set to STATE_SUSPENDED by the server only"});
      }
      return current;
    default:
      violations->push_back(
          {"webhook.state", absl::StrCat("has the unknown value ", proto.state())});
      return current;
  }
}

WebhookGuarantee GuaranteeFromProto(const v1::Webhook& proto,
                                    std::vector<FieldViolation>* violations) {
  switch (proto.guarantee()) {
    case v1::Webhook::GUARANTEE_UNSPECIFIED:
    case v1::Webhook::GUARANTEE_AT_LEAST_ONCE:
      return WebhookGuarantee::kAtLeastOnce;
    case v1::Webhook::GUARANTEE_BEST_EFFORT:
      return WebhookGuarantee::kBestEffort;
    default:
      violations->push_back(
          {"webhook.guarantee", absl::StrCat("has the unknown value ", proto.guarantee())});
      return WebhookGuarantee::kAtLeastOnce;
  }
}

// Guarantee, ordering, and what depends on them.
void EffortFromProto(const v1::Webhook& proto, Webhook* webhook,
                     std::vector<FieldViolation>* violations) {
  webhook->guarantee = GuaranteeFromProto(proto, violations);
  webhook->ordering = OrderingFromProto(proto, violations);
  if (webhook->guarantee == WebhookGuarantee::kAtLeastOnce) {
    const FormatDefaults& defaults = GetFormat(webhook->format)->Defaults();
    webhook->retry_policy = RetryPolicyFromProto(proto.retry_policy(),
                                                 webhook->ordering == WebhookOrdering::kBySubject
                                                     ? defaults.ordered_retry_policy
                                                     : defaults.retry_policy,
                                                 violations);
    webhook->max_in_flight = proto.max_in_flight() == 0 ? kDefaultInFlight : proto.max_in_flight();
    return;
  }
  const std::pair<const char*, bool> others[] = {
      {"retry_policy", proto.has_retry_policy()},
      {"max_in_flight", proto.max_in_flight() != 0},
      {"ordering", proto.ordering() != v1::Webhook::ORDERING_UNSPECIFIED}};
  for (const auto& [field, given] : others) {
    if (!given) continue;
    violations->push_back(
        {absl::StrCat("webhook.", field), "must be left out with GUARANTEE_BEST_EFFORT"});
  }
  webhook->retry_policy = RetryPolicy();
  webhook->max_in_flight = 1;
  webhook->ordering = WebhookOrdering::kNone;
}

// As EffortFromProto reads it: what must be left out is not shown either.
void EffortToProto(const Webhook& webhook, v1::Webhook* proto) {
  if (webhook.guarantee == WebhookGuarantee::kBestEffort) {
    proto->set_guarantee(v1::Webhook::GUARANTEE_BEST_EFFORT);
    return;
  }
  proto->set_guarantee(v1::Webhook::GUARANTEE_AT_LEAST_ONCE);
  ToProto(webhook.retry_policy, proto->mutable_retry_policy());
  proto->set_ordering(webhook.ordering == WebhookOrdering::kBySubject
                          ? v1::Webhook::ORDERING_BY_SUBJECT
                          : v1::Webhook::ORDERING_NONE);
  proto->set_max_in_flight(webhook.max_in_flight);
}

void SecretsToProto(const std::vector<WebhookSecret>& secrets, bool with_values,
                    v1::Webhook* proto) {
  if (with_values && !secrets.empty()) proto->set_secret(secrets.front().value);
  for (const WebhookSecret& secret : secrets) {
    v1::Webhook::Secret* added = proto->add_secrets();
    if (with_values) added->set_value(secret.value);
    ToProto(secret.create_time, added->mutable_create_time());
    if (secret.expire_time != absl::InfiniteFuture()) {
      ToProto(secret.expire_time, added->mutable_expire_time());
    }
  }
}

// The newest secret again is no change; another one takes the place of all.
void SecretFromProto(const v1::Webhook& proto, absl::Time now, Webhook* webhook) {
  std::vector<WebhookSecret>& secrets = webhook->secrets;
  if (!secrets.empty() && secrets.front().value == proto.secret()) return;
  secrets.clear();
  if (!proto.secret().empty()) secrets.push_back({proto.secret(), now});
}

v1::Webhook::State StateToProto(WebhookState state) {
  switch (state) {
    case WebhookState::kActive:
      return v1::Webhook::STATE_ACTIVE;
    case WebhookState::kDisabled:
      return v1::Webhook::STATE_DISABLED;
    case WebhookState::kPaused:
      return v1::Webhook::STATE_PAUSED;
    case WebhookState::kSuspended:
      return v1::Webhook::STATE_SUSPENDED;
  }
  return v1::Webhook::STATE_UNSPECIFIED;
}

}  // namespace

void ToProto(const Webhook& webhook, Secrets secrets, v1::Webhook* proto) {
  proto->set_name(absl::StrCat("webhooks/", webhook.id));
  proto->set_uid(webhook.key.uid);
  proto->set_display_name(webhook.display_name);
  proto->set_url(secrets == Secrets::kNone ? MaskUrlQuery(webhook.url) : webhook.url);
  proto->set_format(static_cast<v1::Webhook::Format>(webhook.format));
  for (const EventMatch& match : webhook.any_of) {
    v1::EventMatch* added = proto->add_any_of();
    added->set_type_pattern(match.type_pattern);
    added->set_source(match.source);
    added->set_subject(match.subject);
  }
  for (const auto& [name, value] : webhook.headers) {
    if (secrets == Secrets::kNone && absl::EqualsIgnoreCase(name, "authorization")) continue;
    (*proto->mutable_headers())[name] = value;
  }
  ToProto(webhook.timeout, proto->mutable_timeout());
  EffortToProto(webhook, proto);
  LimitsToProto(webhook, proto);
  if (webhook.tls != nullptr) {
    TlsToProto(*webhook.tls, secrets == Secrets::kAll, proto->mutable_tls());
  }
  if (webhook.max_event_age != absl::InfiniteDuration()) {
    ToProto(webhook.max_event_age, proto->mutable_max_event_age());
  }
  for (const auto& [key, value] : webhook.annotations) (*proto->mutable_annotations())[key] = value;
  SecretsToProto(webhook.secrets, secrets == Secrets::kAll || secrets == Secrets::kCreated, proto);
  proto->set_state(StateToProto(webhook.state));
  proto->set_state_reason(webhook.state_reason);
  ToProto(webhook.state_time, proto->mutable_state_time());
  ToProto(webhook.create_time, proto->mutable_create_time());
  ToProto(webhook.update_time, proto->mutable_update_time());
  proto->set_etag(EtagOf(webhook));
}

std::vector<FieldViolation> FromProto(const v1::Webhook& proto, absl::Time now, Webhook* webhook) {
  std::vector<FieldViolation> violations;
  webhook->display_name = proto.display_name();
  webhook->url = proto.url();
  webhook->format = FormatFromProto(proto, &violations);
  webhook->any_of.clear();
  for (const v1::EventMatch& match : proto.any_of()) {
    webhook->any_of.push_back({match.type_pattern(), match.source(), match.subject()});
  }
  webhook->headers = {proto.headers().begin(), proto.headers().end()};
  const absl::Duration default_timeout = GetFormat(webhook->format)->Defaults().timeout;
  webhook->timeout = proto.has_timeout() ? DurationFromProto(proto.timeout(), "webhook.timeout",
                                                             default_timeout, &violations)
                                         : default_timeout;
  EffortFromProto(proto, webhook, &violations);
  LimitsFromProto(proto, webhook, &violations);
  webhook->tls = TlsFromProto(proto.tls(), &violations);
  webhook->max_event_age = proto.has_max_event_age()
                               ? DurationFromProto(proto.max_event_age(), "webhook.max_event_age",
                                                   kMaxEventAge, &violations)
                               : absl::InfiniteDuration();
  webhook->annotations = {proto.annotations().begin(), proto.annotations().end()};
  SecretFromProto(proto, now, webhook);
  webhook->state = StateFromProto(proto, webhook->state, &violations);
  return violations;
}

std::string EtagOf(const Webhook& webhook) {
  return absl::StrCat(webhook.key.uid, "-", webhook.revision);
}

}  // namespace latchwire
