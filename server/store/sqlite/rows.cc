#include "server/store/sqlite/rows.h"

#include "absl/strings/str_cat.h"
#include "server/store/driver/driver_errors.h"
#include "server/store/sqlite/codec.h"

namespace latchwire::sqlite {
namespace {

constexpr char kSelectEvent[] = "SELECT " LATCHWIRE_EVENT_HEAD ", data FROM event WHERE key = ?1";
constexpr char kSelectDelivery[] =
    "SELECT state, due, lane, attempts, failures, created, expires, last_attempt,"
    " priority, retried FROM delivery"
    " WHERE webhook = ?1 AND number = ?2";
constexpr char kSelectWebhook[] =
    "SELECT " LATCHWIRE_WEBHOOK_COLUMNS " FROM webhook WHERE key = ?1";

}  // namespace

absl::Status EventFrom(const Query& row, int first, bool with_data, Event* event,
                       std::vector<int64_t>* webhooks) {
  event->id = row.TypeAt(first) == SQLITE_BLOB ? UuidText(row.BytesAt(first)) : row.StringAt(first);
  event->type = row.StringAt(first + 1);
  event->canonical_type = row.StringAt(first + 2);
  event->source = row.StringAt(first + 3);
  event->subject = row.StringAt(first + 4);
  event->receive_time = UnpackTime(row.IntAt(first + 5));
  if (with_data) {
    event->is_json = row.TypeAt(first + kEventHeadColumns) == SQLITE_TEXT;
    event->data = row.StringAt(first + kEventHeadColumns);
  }
  return UnpackEvent(row.BytesAt(first + 6), event, webhooks);
}

absl::StatusOr<Event> ReadEvent(Connection* connection, TenantId tenant, int64_t number) {
  Query query = connection->Use(kSelectEvent);
  query.Int(EventKey(tenant, number));
  if (!query.Next()) {
    if (!query.status().ok()) return query.status();
    return EventNotFoundError(absl::StrCat(number));
  }
  Event event;
  event.number = number;
  if (absl::Status status = EventFrom(query, 0, true, &event, nullptr); !status.ok()) return status;
  return event;
}

absl::StatusOr<Delivery> ReadDelivery(Connection* connection, DeliveryKey key,
                                      std::string* last_attempt) {
  Query query = connection->Use(kSelectDelivery);
  query.Int(PackedKey(key.webhook)).Int(key.event_number);
  if (!query.Next()) {
    if (!query.status().ok()) return query.status();
    return DeliveryNotFoundError(key);
  }
  Delivery delivery;
  delivery.key = key;
  delivery.state = static_cast<DeliveryState>(query.IntAt(0));
  if (!query.IsNull(1)) delivery.due_time = UnpackTime(query.IntAt(1));
  delivery.order_key = query.StringAt(2);
  delivery.attempt_count = static_cast<int>(query.IntAt(3));
  delivery.failure_count = static_cast<int>(query.IntAt(4));
  delivery.create_time = UnpackTime(query.IntAt(5));
  if (!query.IsNull(6)) delivery.expire_time = UnpackTime(query.IntAt(6));
  if (!query.IsNull(7)) {
    Attempt attempt;
    const absl::string_view packed = query.BytesAt(7);
    if (absl::Status status = UnpackAttempt(packed, &attempt); !status.ok()) return status;
    delivery.last_http_status = attempt.http_status;
    delivery.last_error = attempt.error;
    if (last_attempt != nullptr) *last_attempt = std::string(packed);
  }
  delivery.priority = static_cast<int>(query.IntAt(8));
  if (!query.IsNull(9)) delivery.retry_time = UnpackTime(query.IntAt(9));
  return delivery;
}

WebhookStats StatsFrom(const Query& row) {
  WebhookStats stats;
  stats.key = UnpackedKey(row.IntAt(0));
  stats.pending = row.IntAt(1);
  stats.succeeded = row.IntAt(2);
  stats.dead = row.IntAt(3);
  stats.expired = row.IntAt(4);
  stats.dropped = row.IntAt(5);
  stats.consecutive_failures = row.IntAt(6);
  stats.failing_since = UnpackTime(row.IntAt(7));
  stats.last_failure_time = UnpackTime(row.IntAt(8));
  stats.last_failure = row.StringAt(9);
  stats.last_success_time = UnpackTime(row.IntAt(10));
  return stats;
}

absl::Status WebhookFrom(const Query& row, Webhook* webhook) {
  webhook->key = UnpackedKey(row.IntAt(0));
  webhook->id = row.StringAt(1);
  webhook->revision = row.IntAt(2);
  webhook->state = static_cast<WebhookState>(row.IntAt(3));
  webhook->display_name = row.StringAt(4);
  webhook->url = row.StringAt(5);
  return UnpackWebhook(row.BytesAt(6), webhook);
}

absl::StatusOr<Webhook> ReadWebhook(Connection* connection, WebhookKey key) {
  Query query = connection->Use(kSelectWebhook);
  query.Int(PackedKey(key));
  if (!query.Next()) {
    if (!query.status().ok()) return query.status();
    return WebhookNotFoundError(key);
  }
  Webhook webhook;
  if (absl::Status status = WebhookFrom(query, &webhook); !status.ok()) return status;
  return webhook;
}

}  // namespace latchwire::sqlite
