// Everything that is ever written, as values. The writer gathers mutations of many callers into one
// transaction; a driver applies each under a savepoint of its own and fills in its results.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/domain/api_key.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/recovery_job.h"
#include "core/domain/tenant.h"
#include "core/domain/webhook.h"
#include "core/domain/webhook_stats.h"

namespace latchwire {

// A webhook belongs to one of these; a server owns partitions, never single deliveries.
inline constexpr int kPartitionCount = 256;
int PartitionOf(WebhookKey webhook);

// Reasons (core/domain/error.h) that `status` of a mutation may carry, besides plain
// kUnavailable/STORE_UNAVAILABLE when the whole transaction failed:
//   STALE_GENERATION (kAborted)  AppendEvents: match again and resubmit. Never leaves the server.
//   FENCED (kAborted)            RecordOutcomes: see there. Never leaves the server.
//   AGENT_STREAM_FENCED, SEQUENCE_GAP, SEQUENCE_CONFLICT, EVENT_ID_CONFLICT, ETAG_MISMATCH,
//   WEBHOOK_ALREADY_EXISTS, WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND, DELIVERY_STATE,
//   API_KEY_NOT_FOUND, QUEUE_FULL, QUOTA_EXCEEDED, TENANT_NOT_FOUND, RECOVERY_JOB_NOT_FOUND,
//   RECOVERY_JOB_STATE
//
// `stats` in results: of every webhook whose counters the mutation moved, as they are after it.

// A delivery to be made of a new event.
struct DeliveryTarget {
  int64_t webhook_uid = 0;
  std::string order_key;  // not empty for webhooks IsOrdered, see OrderKeyOf
  absl::Time expire_time = absl::InfiniteFuture();
  // The webhook's, so that the store need not know its configuration. 0: no limit.
  int64_t max_pending = 0;
  OverflowPolicy overflow = OverflowPolicy::kReject;

  // Result: there was no room for it, so it is stored as kDropped: with kDropNewest when
  // max_pending waited already, with kDropOldest when as many came later in the same mutation.
  bool dropped = false;
};

struct NewEvent {
  enum class Result {
    kNotStored,  // the mutation failed, or the transaction
    kStored,     // event->number is set
    kDuplicate,  // stored before: event->number is that of the stored one; no new deliveries
  };

  // Shared with the deliveries that are handed on after the commit: nobody changes it but the
  // store, and that only before the commit (number).
  std::shared_ptr<Event> event;
  std::vector<DeliveryTarget> targets;  // by ascending uid, each once
  // The caller chose the id: look for it among the ids of the last 8 days. Otherwise the id is new
  // and is only written down.
  bool deduplicate = false;
  uint64_t sequence = 0;  // agents only
  uint32_t checksum = 0;  // agents only

  Result result = Result::kNotStored;
};

// Which stream of which agent speaks.
struct AgentStream {
  std::string agent;
  uint64_t epoch = 0;
  int64_t fence = 0;  // given by OpenAgentStream; an older one is AGENT_STREAM_FENCED
};

// Stores events with their deliveries: all of them or none.
// From a publisher: an id seen within 8 days with the same content is kDuplicate; with other
// content the mutation fails with EVENT_ID_CONFLICT. From an agent: sequences up to the cursor are
// kDuplicate (number stays 0); the event at the cursor with another checksum is SEQUENCE_CONFLICT;
// a first new sequence past cursor + 1 is SEQUENCE_GAP (metadata `lane`, `expected`); the cursor
// moves to the last sequence in the same transaction.
// A webhook with kReject that has no room for all of its new deliveries fails the mutation with
// QUEUE_FULL (kResourceExhausted, metadata `webhook_uid`, `max_pending`, a time to retry); so does
// the tenant's max_stored_bytes with QUOTA_EXCEEDED (metadata `quota`, `limit`). Events that are
// kDuplicate count for neither.
struct AppendEvents {
  TenantId tenant = 0;
  int64_t generation = 0;  // of the webhook configuration that the targets were matched against
  absl::Time now;  // create_time and due_time of the deliveries; picks the day of the id table
  bool from_agent = false;
  AgentStream stream;  // from_agent only
  int lane = 0;        // from_agent only
  uint64_t cursor_through =
      0;  // from_agent only: moves the cursor at least this far (events that were rejected
          // at the entrance lie in between, so gaps inside the batch are allowed)
  uint64_t first_sequence = 0;   // from_agent only: of the batch as sent, rejected ones included
  int64_t max_stored_bytes = 0;  // the tenant's quota; 0: none
  std::vector<NewEvent> events;  // may be empty when all were rejected

  absl::Status status;
  // Older deliveries that became kDropped to make room (kDropOldest).
  std::vector<DeliveryKey> dropped;
  std::vector<WebhookStats> stats = {};
  int64_t stored_bytes = 0;  // the tenant's, after it
  int64_t stored_events = 0;
};

// Sequences that will never come: moves the cursor. The same errors as AppendEvents.
struct RecordDropped {
  TenantId tenant = 0;
  AgentStream stream;
  int lane = 0;
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;
  absl::Time now;

  absl::Status status;
};

// A stream opens: fences all older streams of this agent and reads its cursors in this epoch.
struct OpenAgentStream {
  TenantId tenant = 0;
  std::string agent;
  uint64_t epoch = 0;
  absl::Time now;

  absl::Status status;
  int64_t fence = 0;
  std::array<uint64_t, kLaneCount> through{};
};

// One ended attempt, or an end without one (expiry: attempt.number == 0).
struct DeliveryOutcome {
  enum class Result {
    kNotRecorded,
    kRecorded,
    kGone
  };  // kGone: the delivery or its webhook was deleted meanwhile

  DeliveryKey key;
  DeliveryState state = DeliveryState::kPending;
  absl::Time due_time;    // state kPending: of the next attempt
  int failure_count = 0;  // the delivery's, after this attempt
  Attempt attempt;
  int64_t fence = 0;  // of the lease on PartitionOf(key.webhook) under which it was attempted

  Result result = Result::kNotRecorded;
};

// Records attempts and what they mean. Only a pending delivery is made pending again by an outcome:
// one that was dropped, expired or killed meanwhile stays so unless the attempt succeeded, and
// success is final. Counters follow: a success sets consecutive_failures to 0, a failed attempt
// (number > 0) counts it up. Every outcome checks its fence: if any partition has another
// lease by now, the whole mutation fails with FENCED and nothing is recorded (the new owner
// attempts them again).
struct RecordOutcomes {
  std::vector<DeliveryOutcome> outcomes;
  // Events about these outcomes, at most one mutation per tenant, stored in the same transaction or
  // not at all: a stale generation in any fails the whole with STALE_GENERATION.
  std::vector<AppendEvents> operational;

  absl::Status status;
  std::vector<WebhookStats> stats = {};
};

// Makes a dead, expired or pending delivery due at `now`; DELIVERY_STATE when it has succeeded.
// failure_count starts anew, retry_time becomes `now`, and an expired one loses its expiry. A
// dropped one counts like a dead one. Not bound by max_pending: the user asked for it.
struct RetryDelivery {
  DeliveryKey key;
  absl::Time now;

  absl::Status status;
  Delivery delivery;  // as it is now
  std::vector<WebhookStats> stats = {};
};

// Makes pending deliveries kExpired whose expire_time is at or before `now`, the earliest first.
struct ExpireDeliveries {
  absl::Time now;
  int limit = 500;

  absl::Status status;
  bool more = false;
  std::vector<WebhookKey> webhooks;  // those that it touched, each once
  std::vector<WebhookStats> stats = {};
  int64_t expired_deliveries = 0;
};

// Takes away what is older than its tenant wants to keep: events in the order of their numbers,
// with their deliveries and attempts, at most `limit` events. How old an event is goes by the
// commit, to the minute. An event with pending deliveries is passed over and looked at again later;
// once it is past `held_before`, they become kExpired and it goes.
struct DeleteOldEvents {
  TenantId tenant = 0;
  absl::Time stored_before;
  absl::Time held_before;  // at or before stored_before
  int limit = 500;

  absl::Status status;
  bool more = false;  // there is more to do now
  int64_t deleted_events = 0;
  int64_t held_events = 0;           // now, that are past stored_before
  std::vector<WebhookKey> webhooks;  // whose pending deliveries became kExpired, each once
  std::vector<WebhookStats> stats = {};
  int64_t stored_bytes = 0;  // the tenant's, after it
  int64_t stored_events = 0;
  int64_t expired_deliveries = 0;
};

// `job` comes with its filter, id and create_time; the store gives number, position and
// last_number. QUOTA_EXCEEDED when kMaxRunningRecoveryJobs of the tenant run already;
// WEBHOOK_NOT_FOUND.
struct CreateRecoveryJob {
  RecoveryJob job;  // in and out

  absl::Status status;
};
// Looks at the next deliveries of a running job, at most `limit`, and makes those that fit pending
// as RetryDelivery does (a succeeded one too, if the job asks for it). RECOVERY_JOB_NOT_FOUND. A
// job that is over is left as it is.
struct StepRecoveryJob {
  TenantId tenant = 0;
  std::string id;
  absl::Time now;
  int limit = 1000;

  absl::Status status;
  RecoveryJob job;                   // as it is now
  std::vector<WebhookKey> webhooks;  // those that got work, each once
  std::vector<WebhookStats> stats = {};
};
// RECOVERY_JOB_STATE when it is over already. What was recovered stays recovered.
struct CancelRecoveryJob {
  TenantId tenant = 0;
  std::string id;
  absl::Time now;

  absl::Status status;
  RecoveryJob job;  // as it is now
};

// The store gives the id: 2, 3, ...; settings and create_time come with it.
struct CreateTenant {
  Tenant tenant;  // in and out

  absl::Status status;
};
// Replaces the settings if the revision is still tenant.revision (0: whatever it is), and counts
// that up; else ETAG_MISMATCH. All else of the tenant stays what it is.
struct UpdateTenant {
  Tenant tenant;  // in and out

  absl::Status status;
  // The driver's own: tenant.revision as it was given, once it has been counted up.
  std::optional<int64_t> given_revision = std::nullopt;
};

// `webhook.key.tenant` is set; the store gives key.uid from the tenant's counter, and revision 1.
// All three move the tenant's generation on by one. QUOTA_EXCEEDED (metadata `quota`, `limit`) when
// the tenant has max_webhooks already.
struct CreateWebhook {
  Webhook webhook;  // in and out

  absl::Status status;
  int64_t generation = 0;    // after it; also below
  int64_t max_webhooks = 0;  // in: the tenant's quota; 0: none
};
// Replaces the webhook if its revision is still webhook.revision, and counts that up; else
// ETAG_MISMATCH. Its id, its ordering and its guarantee stay what they are. When its state becomes
// kActive from another, the count of consecutive failures starts anew.
struct UpdateWebhook {
  Webhook webhook;  // in and out

  absl::Status status;
  int64_t generation = 0;
  // In: events about this change, as in RecordOutcomes; none or one.
  std::vector<AppendEvents> operational = {};
  std::vector<WebhookStats> stats = {};
};
// Its pending deliveries are never loaded again, and PurgeDeleted takes all its rows away in small
// steps.
struct DeleteWebhook {
  WebhookKey key;
  int64_t revision = 0;  // 0: whatever it is

  absl::Status status;
  int64_t generation = 0;
};
// Takes away at most `limit` rows of deleted webhooks.
struct PurgeDeleted {
  int limit = 1000;

  absl::Status status;
  bool more = false;
};

struct CreateApiKey {
  ApiKey key;

  absl::Status status;
};
struct DeleteApiKey {
  TenantId tenant = 0;
  std::string id;

  absl::Status status;
};

// Takes or prolongs leases for `owner` on every partition that is free, expired at `now`, or
// already its own. A partition that changes hands gets a higher fence; a prolonged one keeps it.
struct AcquireLeases {
  std::string owner;  // unique per process start
  absl::Time now;
  absl::Duration duration;

  absl::Status status;
  std::array<int64_t, kPartitionCount> fences{};  // 0: owned by another
};
// Gives all leases of `owner` up, so that another need not wait for their end.
struct ReleaseLeases {
  std::string owner;

  absl::Status status;
};

using Mutation = std::variant<AppendEvents, RecordDropped, OpenAgentStream, RecordOutcomes,
                              RetryDelivery, ExpireDeliveries, DeleteOldEvents, CreateRecoveryJob,
                              StepRecoveryJob, CancelRecoveryJob, CreateTenant, UpdateTenant,
                              CreateWebhook, UpdateWebhook, DeleteWebhook, PurgeDeleted,
                              CreateApiKey, DeleteApiKey, AcquireLeases, ReleaseLeases>;

absl::Status& StatusOf(Mutation& mutation);
const absl::Status& StatusOf(const Mutation& mutation);
// Empty for mutations that move no counters.
absl::Span<const WebhookStats> StatsOf(const Mutation& mutation);
// Every AppendEvents in the mutation: itself, or its operational ones.
absl::Span<const AppendEvents> AppendsOf(const Mutation& mutation);

}  // namespace latchwire
