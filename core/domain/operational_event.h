// Events that the server makes about itself. They are delivered like any others, to the webhooks
// that ask for them (IsOperationalType in matching.h), and nothing is ever told about their own
// deliveries.
//
//  latchwire.webhook.suspended: the server has stopped a webhook.
//    {"webhook":{"name":"webhooks/{id}","uid":7,"display_name":"...","url":"..."},
//     "reason":"...","time":"2026-01-02T03:04:05.006Z"}
//  latchwire.delivery.dead: no attempt of a delivery is left.
//    {"webhook":{as above},"delivery":"deliveries/7-1234",
//     "event":{"id":"...","number":1234,"type":"door.opened","source":"...","subject":"..."},
//     "attempt_count":10,"last_http_status":503,"last_error":"",
//     "time":"2026-01-02T03:04:05.006Z"}
//
// The URL comes without its query, which often holds a secret. `last_http_status` is 0 and
// `last_error` such as TIMEOUT when there was no answer.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"

namespace latchwire {

inline constexpr absl::string_view kWebhookSuspendedType = "latchwire.webhook.suspended";
inline constexpr absl::string_view kDeliveryDeadType = "latchwire.delivery.dead";

// Source "latchwire", subject "webhooks/{id}"; the id is the caller's business.
Event WebhookSuspendedEvent(const Webhook& webhook, absl::string_view reason, absl::Time now);
// `event` is that of the dead delivery.
Event DeliveryDeadEvent(const Webhook& webhook, const Delivery& delivery, const Event& event,
                        absl::Time now);

}  // namespace latchwire
