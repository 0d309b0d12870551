// Rows as domain values, for reads and for what a write must look at first.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/connection.h"
#include "server/store/store.h"

namespace latchwire::sqlite {

// The columns that EventFrom reads, in its order; without data the last one is left out.
#define LATCHWIRE_EVENT_HEAD "id, type, canonical_type, source, subject, receive_time, rest"
inline constexpr int kEventHeadColumns = 7;

// `first` is the column where LATCHWIRE_EVENT_HEAD starts. `webhooks` may be null.
absl::Status EventFrom(const Query& row, int first, bool with_data, Event* event,
                       std::vector<int64_t>* webhooks);
absl::StatusOr<Event> ReadEvent(Connection* connection, TenantId tenant, int64_t number);

// DELIVERY_NOT_FOUND. Does not ask whether the webhook still exists. `last_attempt` may be null.
absl::StatusOr<Delivery> ReadDelivery(Connection* connection, DeliveryKey key,
                                      std::string* last_attempt);

// The columns that StatsFrom reads, from the first on.
#define LATCHWIRE_STATS_COLUMNS                                    \
  "webhook, pending, succeeded, dead, expired, dropped, failures," \
  " failing_since, last_failure_time, last_failure, last_success_time"
inline constexpr int kStatsColumns = 11;
WebhookStats StatsFrom(const Query& row);

absl::StatusOr<Webhook> ReadWebhook(Connection* connection, WebhookKey key);
#define LATCHWIRE_WEBHOOK_COLUMNS "key, id, revision, state, display_name, url, config"
absl::Status WebhookFrom(const Query& row, Webhook* webhook);

}  // namespace latchwire::sqlite
