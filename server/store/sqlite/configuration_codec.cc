// The records of what is configured: webhooks, tenants, recovery jobs.
#include <memory>
#include <utility>
#include <vector>

#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/packer.h"

namespace latchwire::sqlite {
namespace {

// 2 added the guarantee, the limits, the ways to retry, and TLS; 3 several secrets with times.
constexpr uint8_t kWebhookFormat = 3;

void PackSecrets(const std::vector<WebhookSecret>& secrets, Packer* packer) {
  packer->Unsigned(secrets.size());
  for (const WebhookSecret& secret : secrets) {
    packer->Bytes(secret.value);
    packer->Time(secret.create_time);
    packer->Time(secret.expire_time);
  }
}

// Before format 3 there was one, without times of its own.
std::vector<WebhookSecret> UnpackSecrets(Unpacker* unpacker) {
  std::vector<WebhookSecret> secrets;
  if (unpacker->format() < 3) {
    std::string value = unpacker->Bytes();
    if (!value.empty()) secrets.push_back({std::move(value)});
    return secrets;
  }
  for (uint64_t left = unpacker->Count(); left > 0; --left) {
    WebhookSecret& secret = secrets.emplace_back();
    secret.value = unpacker->Bytes();
    secret.create_time = unpacker->Time();
    secret.expire_time = unpacker->Time();
  }
  return secrets;
}

void PackLimits(const Webhook& webhook, Packer* packer) {
  packer->Signed(static_cast<int>(webhook.guarantee));
  const RetryPolicy& retry = webhook.retry_policy;
  packer->Unsigned(retry.exponential.has_value());
  if (retry.exponential.has_value()) {
    packer->Length(retry.exponential->first_delay);
    packer->Real(retry.exponential->factor);
    packer->Length(retry.exponential->max_delay);
    packer->Signed(retry.exponential->max_attempts);
  }
  packer->Length(retry.total_window);
  packer->Real(webhook.rate_limit.attempts_per_s);
  packer->Signed(webhook.rate_limit.burst);
  packer->Signed(webhook.circuit_breaker.failure_threshold);
  packer->Length(webhook.circuit_breaker.open_time);
  packer->Length(webhook.circuit_breaker.max_open_time);
  packer->Signed(webhook.auto_suspend.failure_count);
  packer->Length(webhook.auto_suspend.failure_span);
  packer->Signed(webhook.max_pending);
  packer->Signed(static_cast<int>(webhook.overflow));
  packer->Unsigned(webhook.tls != nullptr);
  if (webhook.tls != nullptr) {
    packer->Bytes(webhook.tls->ca_pem);
    packer->Bytes(webhook.tls->certificate_pem);
    packer->Bytes(webhook.tls->private_key_pem);
  }
}

void UnpackLimits(Unpacker* unpacker, Webhook* webhook) {
  webhook->guarantee = static_cast<WebhookGuarantee>(unpacker->Signed());
  RetryPolicy& retry = webhook->retry_policy;
  if (unpacker->Unsigned() != 0) {
    ExponentialRetry& exponential = retry.exponential.emplace();
    exponential.first_delay = unpacker->Length();
    exponential.factor = unpacker->Real();
    exponential.max_delay = unpacker->Length();
    exponential.max_attempts = static_cast<int>(unpacker->Signed());
  }
  retry.total_window = unpacker->Length();
  webhook->rate_limit.attempts_per_s = unpacker->Real();
  webhook->rate_limit.burst = static_cast<int>(unpacker->Signed());
  webhook->circuit_breaker.failure_threshold = static_cast<int>(unpacker->Signed());
  webhook->circuit_breaker.open_time = unpacker->Length();
  webhook->circuit_breaker.max_open_time = unpacker->Length();
  webhook->auto_suspend.failure_count = static_cast<int>(unpacker->Signed());
  webhook->auto_suspend.failure_span = unpacker->Length();
  webhook->max_pending = unpacker->Signed();
  webhook->overflow = static_cast<OverflowPolicy>(unpacker->Signed());
  if (unpacker->Unsigned() != 0) {
    auto tls = std::make_shared<TlsProfile>();
    tls->ca_pem = unpacker->Bytes();
    tls->certificate_pem = unpacker->Bytes();
    tls->private_key_pem = unpacker->Bytes();
    webhook->tls = std::move(tls);
  }
}

}  // namespace

std::string PackWebhook(const Webhook& webhook) {
  std::string out;
  Packer packer(&out, kWebhookFormat);
  packer.Signed(static_cast<int>(webhook.format));
  packer.Unsigned(webhook.any_of.size());
  for (const EventMatch& match : webhook.any_of) {
    packer.Bytes(match.type_pattern);
    packer.Bytes(match.source);
    packer.Bytes(match.subject);
  }
  packer.Map(webhook.headers);
  PackSecrets(webhook.secrets, &packer);
  packer.Length(webhook.timeout);
  packer.Unsigned(webhook.retry_policy.delays.size());
  for (const absl::Duration delay : webhook.retry_policy.delays) packer.Length(delay);
  packer.Signed(static_cast<int>(webhook.ordering));
  packer.Signed(webhook.max_in_flight);
  packer.Length(webhook.max_event_age);
  packer.Map(webhook.annotations);
  packer.Bytes(webhook.state_reason);
  packer.Time(webhook.state_time);
  packer.Time(webhook.create_time);
  packer.Time(webhook.update_time);
  PackLimits(webhook, &packer);
  return out;
}

absl::Status UnpackWebhook(absl::string_view packed, Webhook* webhook) {
  Unpacker unpacker(packed, kWebhookFormat);
  // A record of an earlier format leaves what it does not know at its default.
  webhook->format = static_cast<WebhookFormat>(unpacker.Signed());
  for (uint64_t left = unpacker.Count(); left > 0; --left) {
    EventMatch match;
    match.type_pattern = unpacker.Bytes();
    match.source = unpacker.Bytes();
    match.subject = unpacker.Bytes();
    webhook->any_of.push_back(std::move(match));
  }
  webhook->headers = unpacker.Map();
  webhook->secrets = UnpackSecrets(&unpacker);
  webhook->timeout = unpacker.Length();
  webhook->retry_policy.delays.clear();
  for (uint64_t left = unpacker.Count(); left > 0; --left) {
    webhook->retry_policy.delays.push_back(unpacker.Length());
  }
  webhook->ordering = static_cast<WebhookOrdering>(unpacker.Signed());
  webhook->max_in_flight = static_cast<int>(unpacker.Signed());
  webhook->max_event_age = unpacker.Length();
  webhook->annotations = unpacker.Map();
  webhook->state_reason = unpacker.Bytes();
  webhook->state_time = unpacker.Time();
  webhook->create_time = unpacker.Time();
  webhook->update_time = unpacker.Time();
  if (unpacker.format() < 3) {
    for (WebhookSecret& secret : webhook->secrets) secret.create_time = webhook->create_time;
  }
  if (unpacker.format() >= 2) UnpackLimits(&unpacker, webhook);
  return unpacker.Finish();
}

std::string PackTenantSettings(const TenantSettings& settings) {
  if (settings == TenantSettings()) return {};
  std::string out;
  Packer packer(&out);
  packer.Bytes(settings.display_name);
  packer.Length(settings.event_retention);
  packer.Length(settings.max_held_time);
  packer.Real(settings.quotas.max_events_per_s);
  packer.Signed(settings.quotas.max_stored_bytes);
  packer.Signed(settings.quotas.max_webhooks);
  return out;
}

absl::Status UnpackTenantSettings(absl::string_view packed, TenantSettings* settings) {
  *settings = TenantSettings();
  if (packed.empty()) return absl::OkStatus();
  Unpacker unpacker(packed);
  settings->display_name = unpacker.Bytes();
  settings->event_retention = unpacker.Length();
  settings->max_held_time = unpacker.Length();
  settings->quotas.max_events_per_s = unpacker.Real();
  settings->quotas.max_stored_bytes = unpacker.Signed();
  settings->quotas.max_webhooks = unpacker.Signed();
  return unpacker.Finish();
}

std::string PackRecoveryJob(const RecoveryJob& job) {
  std::string out;
  Packer packer(&out);
  packer.Signed(job.webhook_uid);
  packer.Unsigned(job.states.size());
  for (const DeliveryState state : job.states) packer.Signed(static_cast<int>(state));
  packer.Time(job.created_from);
  packer.Time(job.created_before);
  packer.Bytes(job.event_match.type_pattern);
  packer.Bytes(job.event_match.source);
  packer.Bytes(job.event_match.subject);
  packer.Signed(job.examined_count);
  packer.Signed(job.recovered_count);
  packer.Time(job.create_time);
  packer.Time(job.end_time);
  packer.Signed(job.next_uid);
  packer.Signed(job.next_number);
  packer.Signed(job.last_number);
  return out;
}

absl::Status UnpackRecoveryJob(absl::string_view packed, RecoveryJob* job) {
  Unpacker unpacker(packed);
  job->webhook_uid = unpacker.Signed();
  job->states.clear();
  for (uint64_t left = unpacker.Count(); left > 0; --left) {
    job->states.push_back(static_cast<DeliveryState>(unpacker.Signed()));
  }
  job->created_from = unpacker.Time();
  job->created_before = unpacker.Time();
  job->event_match.type_pattern = unpacker.Bytes();
  job->event_match.source = unpacker.Bytes();
  job->event_match.subject = unpacker.Bytes();
  job->examined_count = unpacker.Signed();
  job->recovered_count = unpacker.Signed();
  job->create_time = unpacker.Time();
  job->end_time = unpacker.Time();
  job->next_uid = unpacker.Signed();
  job->next_number = unpacker.Signed();
  job->last_number = unpacker.Signed();
  return unpacker.Finish();
}

}  // namespace latchwire::sqlite
