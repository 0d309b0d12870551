#include "clients/cpp/idempotency.h"

#include <algorithm>

namespace latchwire::client {

bool IsIdempotent(const v1::CreateWebhookRequest& request) { return !request.webhook_id().empty(); }

bool IsIdempotent(const v1::PublishEventRequest& request) { return !request.event().id().empty(); }

bool IsIdempotent(const v1::BatchPublishEventsRequest& request) {
  return std::all_of(request.events().begin(), request.events().end(),
                     [](const v1::Event& event) { return !event.id().empty(); });
}

bool IsIdempotent(const v1::UpdateWebhookRequest& request) {
  return request.webhook().etag().empty();
}

bool IsIdempotent(const v1::UpdateTenantRequest& request) {
  return request.tenant().etag().empty();
}

}  // namespace latchwire::client
