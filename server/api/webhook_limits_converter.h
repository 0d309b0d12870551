// What holds a webhook's deliveries back, and how it speaks TLS: protobuf <-> domain. Paths of
// violations begin with "webhook"; ranges are Validate's business.
#pragma once

#include <memory>
#include <vector>

#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"
#include "latchwire/v1/webhook.pb.h"

namespace latchwire {

// Defaults are written out, so that people see what is in force.
void LimitsToProto(const Webhook& webhook, v1::Webhook* proto);
// rate_limit, circuit_breaker, auto_suspend, max_pending and overflow; by webhook->guarantee.
void LimitsFromProto(const v1::Webhook& proto, Webhook* webhook,
                     std::vector<FieldViolation>* violations);

// `with_key`: for the server's own use only.
void TlsToProto(const TlsProfile& tls, bool with_key, v1::ClientTls* proto);
// Null when there is nothing in it. Checked as the transport does when it connects.
std::shared_ptr<const TlsProfile> TlsFromProto(const v1::ClientTls& proto,
                                               std::vector<FieldViolation>* violations);

void StatusToProto(const WebhookStats& stats, const BreakerStatus& breaker,
                   v1::Webhook::Status* proto);

}  // namespace latchwire
