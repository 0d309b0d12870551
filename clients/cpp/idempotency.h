// Which calls do the same when done twice, and may be retried although nobody knows whether they
// were done. Reads do (generate.py knows them by their HTTP method); for each other method an
// overload here decides by the request, so that a new method does not compile without one.
#pragma once

#include "latchwire/v1/api_key_service.pb.h"
#include "latchwire/v1/delivery_service.pb.h"
#include "latchwire/v1/event_service.pb.h"
#include "latchwire/v1/tenant_service.pb.h"
#include "latchwire/v1/webhook_service.pb.h"

namespace latchwire::client {

// An id makes the second of two the same webhook or event.
bool IsIdempotent(const v1::CreateWebhookRequest& request);
bool IsIdempotent(const v1::PublishEventRequest& request);
bool IsIdempotent(const v1::BatchPublishEventsRequest& request);
// Not idempotent with an etag: the first call changes it, so a second would fail.
bool IsIdempotent(const v1::UpdateWebhookRequest& request);
bool IsIdempotent(const v1::UpdateTenantRequest& request);

// The second would fail, or do it again.
inline bool IsIdempotent(const v1::DeleteWebhookRequest&) { return false; }
inline bool IsIdempotent(const v1::SendTestEventRequest&) { return false; }
inline bool IsIdempotent(const v1::RetryDeliveryRequest&) { return false; }
inline bool IsIdempotent(const v1::CreateRecoveryJobRequest&) { return false; }
inline bool IsIdempotent(const v1::CancelRecoveryJobRequest&) { return false; }
inline bool IsIdempotent(const v1::CreateTenantRequest&) { return false; }
inline bool IsIdempotent(const v1::CreateApiKeyRequest&) { return false; }
inline bool IsIdempotent(const v1::DeleteApiKeyRequest&) { return false; }

}  // namespace latchwire::client
