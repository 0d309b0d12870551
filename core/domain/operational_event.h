// Events that the server makes about its own work. They are delivered like any others, to the
// webhooks that ask for them (IsOperationalType in matching.h). Their own deliveries cause no such
// events.
//
//  latchwire.webhook.suspended: the server suspended a webhook.
//    {"webhook":{"name":"webhooks/{id}","uid":7,"display_name":"...","url":"..."},
//     "reason":"...","time":"2026-01-02T03:04:05.006Z"}
//  latchwire.delivery.dead: the retry policy of a delivery is exhausted.
//    {"webhook":{as above},"delivery":"deliveries/7-1234",
//     "event":{"id":"...","number":1234,"type":"door.opened","source":"...","subject":"..."},
//     "attempt_count":10,"last_http_status":503,"last_error":"",
//     "time":"2026-01-02T03:04:05.006Z"}
//
// The URL is given without its query, which often holds a secret. If there was no answer,
// `last_http_status` is 0 and `last_error` says why, such as TIMEOUT.
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

// The source is "latchwire", the subject "webhooks/{id}". The caller sets the event's id.
Event WebhookSuspendedEvent(const Webhook& webhook, absl::string_view reason, absl::Time now);
// `event` is the one that the dead delivery carried.
Event DeliveryDeadEvent(const Webhook& webhook, const Delivery& delivery, const Event& event,
                        absl::Time now);

}  // namespace latchwire
