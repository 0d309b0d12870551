// What limits a webhook's deliveries, and how it speaks TLS: protobuf <-> domain. Paths of
// violations begin with "webhook". ValidateForFormat checks the ranges. All functions are
// thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"
#include "latchwire/v1/webhook.pb.h"

namespace latchwire {

// Writes defaults out, so that people see what is in force.
void LimitsToProto(const Webhook& webhook, v1::Webhook* proto);
// Sets rate_limit, circuit_breaker, auto_suspend, max_pending and overflow. Their defaults depend
// on webhook->guarantee, which must be set.
void LimitsFromProto(const v1::Webhook& proto, Webhook* webhook,
                     std::vector<FieldViolation>* violations);

// `with_key` adds the private key: for the server's own use, never for an answer.
void TlsToProto(const TlsProfile& tls, bool with_key, v1::ClientTls* proto);
// Returns null when nothing is set. Adds a violation for whatever would make the transport refuse
// to connect.
std::shared_ptr<const TlsProfile> TlsFromProto(const v1::ClientTls& proto,
                                               std::vector<FieldViolation>* violations);

// Times that are not known stay absent.
void StatusToProto(const WebhookStats& stats, const BreakerStatus& breaker,
                   v1::Webhook::Status* proto);

}  // namespace latchwire
