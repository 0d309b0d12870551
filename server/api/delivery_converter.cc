#include "server/api/delivery_converter.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/formats/format.h"
#include "server/api/paging.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

// A positive number without sign or leading zeros, so that a delivery has one name.
bool ParseNumber(absl::string_view text, int64_t* number) {
  return IsAllDigits(text) && text[0] != '0' && absl::SimpleAtoi(text, number);
}

}  // namespace

v1::Delivery::State StateToProto(DeliveryState state) {
  switch (state) {
    case DeliveryState::kPending:
      return v1::Delivery::STATE_PENDING;
    case DeliveryState::kSucceeded:
      return v1::Delivery::STATE_SUCCEEDED;
    case DeliveryState::kDead:
      return v1::Delivery::STATE_DEAD;
    case DeliveryState::kExpired:
      return v1::Delivery::STATE_EXPIRED;
    case DeliveryState::kDropped:
      return v1::Delivery::STATE_DROPPED;
  }
  return v1::Delivery::STATE_UNSPECIFIED;
}

void ToProto(const PendingDelivery& pending, const Webhook& webhook, v1::Delivery* proto) {
  const Delivery& delivery = pending.delivery;
  proto->set_name(
      absl::StrCat("deliveries/", delivery.key.webhook.uid, "-", delivery.key.event_number));
  proto->set_webhook(absl::StrCat("webhooks/", webhook.id));
  proto->set_event_id(pending.event->id);
  proto->set_event_number(delivery.key.event_number);
  proto->set_state(StateToProto(delivery.state));
  proto->set_attempt_count(delivery.attempt_count);
  if (delivery.state == DeliveryState::kPending) {
    ToProto(delivery.due_time, proto->mutable_next_attempt_time());
  }
  ToProto(delivery.create_time, proto->mutable_create_time());
  proto->set_message_id(GetFormat(webhook.format)->MessageId(*pending.event, webhook));
  proto->set_last_http_status(delivery.last_http_status);
  proto->set_last_error(delivery.last_error);
}

void ToProto(const Attempt& attempt, v1::Attempt* proto) {
  proto->set_number(attempt.number);
  ToProto(attempt.start_time, proto->mutable_start_time());
  ToProto(attempt.duration, proto->mutable_duration());
  proto->set_http_status(attempt.http_status);
  proto->set_error(attempt.error);
  proto->set_error_detail(attempt.error_detail);
  proto->set_response_body(attempt.response_body);
}

std::optional<DeliveryKey> ParseDeliveryId(TenantId tenant, absl::string_view id) {
  const size_t dash = id.find('-');
  if (dash == absl::string_view::npos) return std::nullopt;
  DeliveryKey key;
  key.webhook.tenant = tenant;
  if (!ParseNumber(id.substr(0, dash), &key.webhook.uid) ||
      !ParseNumber(id.substr(dash + 1), &key.event_number)) {
    return std::nullopt;
  }
  return key;
}

std::optional<DeliveryState> FromProto(v1::Delivery::State state) {
  switch (state) {
    case v1::Delivery::STATE_PENDING:
      return DeliveryState::kPending;
    case v1::Delivery::STATE_SUCCEEDED:
      return DeliveryState::kSucceeded;
    case v1::Delivery::STATE_DEAD:
      return DeliveryState::kDead;
    case v1::Delivery::STATE_DROPPED:
      return DeliveryState::kDropped;
    case v1::Delivery::STATE_EXPIRED:
      return DeliveryState::kExpired;
    default:
      return std::nullopt;
  }
}

}  // namespace latchwire
