// The reads of the store on one connection. Each sees one snapshot.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/connection.h"
#include "server/store/store.h"

namespace latchwire::sqlite {

// read_events.cc
absl::StatusOr<int64_t> FindEvent(Connection* connection, TenantId tenant, absl::string_view id);
absl::StatusOr<EventPage> ListEvents(Connection* connection, TenantId tenant,
                                     const EventFilter& filter, int64_t before, int limit);

// read_changes.cc
absl::StatusOr<Changes> PollChanges(Connection* connection, ChangeCursor after, int limit);

// read_configuration.cc
absl::StatusOr<std::vector<Tenant>> LoadTenants(Connection* connection);
absl::StatusOr<Tenant> GetTenant(Connection* connection, TenantId tenant);
absl::StatusOr<std::vector<Webhook>> LoadWebhooks(Connection* connection, WebhookKey after,
                                                  int limit);
absl::StatusOr<std::vector<ApiKey>> LoadApiKeys(Connection* connection);

// read_stats.cc
absl::StatusOr<std::vector<WebhookStats>> LoadStats(Connection* connection, WebhookKey after,
                                                    int limit);

// read_recovery.cc
absl::StatusOr<RecoveryJob> GetRecoveryJob(Connection* connection, TenantId tenant,
                                           absl::string_view id);
absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(Connection* connection, TenantId tenant,
                                                          int64_t before, int limit);
absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs(Connection* connection);

// read_deliveries.cc
absl::StatusOr<PendingDelivery> GetDelivery(Connection* connection, DeliveryKey key);
absl::StatusOr<DeliveryPage> ListDeliveries(Connection* connection, TenantId tenant,
                                            const DeliveryFilter& filter, DeliveryCursor after,
                                            int limit);
absl::StatusOr<std::vector<Attempt>> ListAttempts(Connection* connection, DeliveryKey key,
                                                  int after, int limit);

// read_due.cc
absl::StatusOr<std::vector<WebhookWork>> LoadWork(Connection* connection, WebhookKey after,
                                                  int limit);
absl::StatusOr<DueDeliveries> LoadDue(Connection* connection, WebhookKey webhook, absl::Time now,
                                      int limit, const absl::flat_hash_set<int64_t>& exclude);
// Looks at the order keys above `*resume` first and wraps around, so that under a load that never
// ends no order key starves behind smaller ones. `*resume` becomes where the next load goes on.
absl::StatusOr<DueDeliveries> LoadHeads(Connection* connection, WebhookKey webhook, absl::Time now,
                                        int limit,
                                        const absl::flat_hash_set<std::string>& exclude_order_keys,
                                        std::string* resume);

}  // namespace latchwire::sqlite
