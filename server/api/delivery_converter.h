// Deliveries and attempts: domain -> protobuf.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "core/domain/delivery.h"
#include "latchwire/v1/delivery.pb.h"
#include "server/store/store.h"

namespace latchwire {

void ToProto(const PendingDelivery& delivery, const Webhook& webhook, v1::Delivery* proto);
void ToProto(const Attempt& attempt, v1::Attempt* proto);

// The id in `deliveries/{id}`: `{webhook_uid}-{event_number}`.
std::optional<DeliveryKey> ParseDeliveryId(TenantId tenant, absl::string_view id);
// Nothing for an unknown value; STATE_UNSPECIFIED must be asked for before.
v1::Delivery::State StateToProto(DeliveryState state);
std::optional<DeliveryState> FromProto(v1::Delivery::State state);

}  // namespace latchwire
