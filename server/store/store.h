// The seam to the database.
//
// Promises of every driver, proved by the one conformance suite in testing/:
//  - Write is durable: what it reports as done survives a power cut from the moment it returns.
//  - Write is atomic as a whole, and each mutation in it is atomic by itself: one that fails leaves
//  nothing behind and does not
//    hinder its neighbours. Mutations see the effects of those before them in the same Write.
//  - Numbers of events have no gaps and no order but that of the commits.
//  - Fences hold between handles: two handles on one database, in one process or in two, never both
//  record
//    outcomes of one partition under different leases.
//  - Reads see one committed snapshot per call, never half a transaction, and never block writes.
//  - Handles learn of each other's commits by the change feed; none is missed, whatever fails.
//  - Errors come out as absl::Status with a reason (core/domain/error.h); no driver's own codes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/check.h"
#include "core/domain/pending_delivery.h"
#include "server/store/mutations/mutation.h"

namespace latchwire {

struct EventFilter {
  std::string type, source, subject;  // empty: any
};

struct DeliveryFilter {
  std::optional<int64_t> webhook_uid;
  std::optional<int64_t> event_number;
  std::optional<DeliveryState> state;
};

// Lists deliveries by descending (event_number, webhook_uid); nothing means from the newest.
using DeliveryCursor = std::optional<std::pair<int64_t, int64_t>>;

struct DeliveryPage {
  std::vector<PendingDelivery> deliveries;  // events without their data
  DeliveryCursor next;                      // nothing: the end
};

struct EventPage {
  std::vector<Event> events;
  int64_t next_before = 0;  // 0: the end
};

// A place in the change feed; the driver's own numbers, which ascend. 0: before every change.
using ChangeCursor = int64_t;

struct TenantChange {
  TenantId tenant = 0;
  int64_t generation = 0;  // now
};

// What the handles on one database tell each other.
struct Changes {
  // Whose webhooks, settings or API keys have changed, whichever handle did it.
  std::vector<TenantChange> tenants;
  // Whose deliveries became pending or ended, by a mutation of a handle that did not hold the lease
  // on their partition: whoever holds it should look for work.
  std::vector<WebhookKey> work;
  ChangeCursor next = 0;  // for the next poll
  bool more = false;      // there are more already
};

class Store {
 public:
  virtual ~Store() = default;

  // OK, or why writes or reads would fail now: STORE_UNAVAILABLE. Thread-safe.
  virtual absl::Status Ready() = 0;
  // Waits for calls that are under way and lets go of the database. Every call after it fails with
  // STORE_UNAVAILABLE, but for another Close, which does nothing. Thread-safe.
  virtual void Close() = 0;

  // One transaction, durable on return; fills in a result for each mutation, so both spans have the
  // same size. Called by one thread at a time (the writer's). OK: each result says how its mutation
  // went. Not OK: nothing was written and every result is that same error (STORE_UNAVAILABLE); the
  // next Write may succeed again, without reopening.
  virtual absl::Status Write(absl::Span<const Mutation> mutations,
                             absl::Span<MutationResult> results) = 0;

  // Moves committed changes from the log to the main file, if the driver has such a thing. Called
  // by a thread of its own, beside Write.
  virtual absl::Status Checkpoint() { return absl::OkStatus(); }

  // Reads are thread-safe and may block; `limit` is at least 1.

  // What was committed after `after`, at most `limit` changes; a tenant or a webhook that changed
  // several times is listed once, and one that was listed may be listed again. Cheap when nothing
  // has changed.
  virtual absl::StatusOr<Changes> PollChanges(ChangeCursor after, int limit) = 0;

  virtual absl::StatusOr<std::vector<Tenant>> LoadTenants() = 0;
  // TENANT_NOT_FOUND when there is none.
  virtual absl::StatusOr<Tenant> GetTenant(TenantId tenant) = 0;
  // By ascending key, after `after`.
  virtual absl::StatusOr<std::vector<Webhook>> LoadWebhooks(WebhookKey after, int limit) = 0;
  virtual absl::StatusOr<std::vector<ApiKey>> LoadApiKeys() = 0;
  // Of webhooks that exist, by ascending key after `after`; one without a row yet may be left out.
  virtual absl::StatusOr<std::vector<WebhookStats>> LoadStats(WebhookKey after, int limit) = 0;

  // EVENT_NOT_FOUND when there is none.
  virtual absl::StatusOr<Event> GetEvent(TenantId tenant, int64_t number) = 0;
  virtual absl::StatusOr<int64_t> FindEvent(TenantId tenant, absl::string_view id) = 0;
  // Descending numbers below `before` (0: from the newest). Looks at a bounded number of events, so
  // a page may be short, even empty, with next_before set.
  virtual absl::StatusOr<EventPage> ListEvents(TenantId tenant, const EventFilter& filter,
                                               int64_t before, int limit) = 0;

  // DELIVERY_NOT_FOUND when there is none. The event comes without its data.
  virtual absl::StatusOr<PendingDelivery> GetDelivery(DeliveryKey key) = 0;
  // Looks at a bounded number of rows, like ListEvents.
  virtual absl::StatusOr<DeliveryPage> ListDeliveries(TenantId tenant, const DeliveryFilter& filter,
                                                      DeliveryCursor after, int limit) = 0;
  // Ascending numbers above `after`. DELIVERY_NOT_FOUND when there is no such delivery.
  virtual absl::StatusOr<std::vector<Attempt>> ListAttempts(DeliveryKey key, int after,
                                                            int limit) = 0;

  // Every webhook with pending deliveries, by ascending key after `after`; the cost grows with
  // webhooks, not with deliveries.
  virtual absl::StatusOr<std::vector<WebhookWork>> LoadWork(WebhookKey after, int limit) = 0;
  // Pending deliveries of an unordered webhook that are due at `now`, without the event numbers
  // in `exclude`: higher priorities first, earlier due first among equals; but while several
  // priorities have work, an eighth of `limit` goes to the lower ones, so that none starves. The
  // result is in the order in which they should leave.
  virtual absl::StatusOr<DueDeliveries> LoadDue(WebhookKey webhook, absl::Time now, int limit,
                                                const absl::flat_hash_set<int64_t>& exclude) = 0;
  // For an ordered webhook (IsOrdered): the head (lowest pending event number) of each order key
  // whose head is due at `now`, without those in `exclude_order_keys`. next_due is the earliest of
  // the heads that are not due.
  virtual absl::StatusOr<DueDeliveries> LoadHeads(
      WebhookKey webhook, absl::Time now, int limit,
      const absl::flat_hash_set<std::string>& exclude_order_keys) = 0;

  // RECOVERY_JOB_NOT_FOUND when there is none.
  virtual absl::StatusOr<RecoveryJob> GetRecoveryJob(TenantId tenant, absl::string_view id) = 0;
  // By descending number, below `before` (0: from the newest).
  virtual absl::StatusOr<std::vector<RecoveryJob>> ListRecoveryJobs(TenantId tenant, int64_t before,
                                                                    int limit) = 0;
  // Of all tenants, those that run.
  virtual absl::StatusOr<std::vector<RecoveryJob>> LoadRunningRecoveryJobs() = 0;
};

// Writes one mutation in a transaction of its own; for those who have no writer. Its result, or the
// error of the transaction.
template <typename M>
absl::StatusOr<typename M::Result> WriteOne(Store& store, M mutation) {
  const Mutation one = std::move(mutation);
  MutationResult result;
  if (absl::Status status = store.Write({&one, 1}, {&result, 1}); !status.ok()) return status;
  return ResultOf<M>(std::move(result));
}

}  // namespace latchwire
