// Deliveries and attempts: domain -> protobuf. Thread-safe.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "core/domain/delivery.h"
#include "latchwire/v1/delivery.pb.h"
#include "server/store/store.h"

namespace latchwire {

void ToProto(const PendingDelivery& delivery, const Webhook& webhook, v1::Delivery* proto);
void ToProto(const Attempt& attempt, v1::Attempt* proto);

// Parses the id in `deliveries/{id}`, which is `{webhook_uid}-{event_number}`; nullopt if it is not
// of that form. Whether the delivery exists is not checked.
std::optional<DeliveryKey> ParseDeliveryId(TenantId tenant, absl::string_view id);
v1::Delivery::State StateToProto(DeliveryState state);
// Returns nullopt for an unknown value and for STATE_UNSPECIFIED.
std::optional<DeliveryState> FromProto(v1::Delivery::State state);

}  // namespace latchwire
