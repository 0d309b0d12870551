// The texts of the reads, in one place so that a test can look at the plan of each: by index only,
// with no scan of a table and no sorting.
#pragma once

#include "server/store/sqlite/rows.h"

namespace latchwire::sqlite {

inline constexpr char kLoadTenants[] =
    "SELECT id, generation, revision, settings, created, stored_bytes, stored_events FROM tenant"
    " ORDER BY id";
inline constexpr char kLoadWebhooks[] =
    "SELECT " LATCHWIRE_WEBHOOK_COLUMNS " FROM webhook WHERE key > ?1 ORDER BY key LIMIT ?2";
inline constexpr char kLoadApiKeys[] =
    "SELECT tenant, id, secret_hash, role, agent, display_name, created FROM api_key ORDER BY id";
inline constexpr char kGetTenant[] =
    "SELECT id, generation, revision, settings, created, stored_bytes, stored_events FROM tenant"
    " WHERE id = ?1";
inline constexpr char kHasWebhook[] = "SELECT 1 FROM webhook WHERE key = ?1";

// What rows of the table `change` are about. The values are stored: never change one.
enum class ChangeKind { kTenant = 1, kWork = 2 };
inline constexpr char kChangesAfter[] =
    "SELECT id, kind, key, (SELECT generation FROM tenant WHERE kind = 1 AND tenant.id = key)"
    " FROM change WHERE id > ?1 ORDER BY id LIMIT ?2";

// Keys from ?1 to below ?2, newest first.
inline constexpr char kListEvents[] = "SELECT key, " LATCHWIRE_EVENT_HEAD
                                      ", data FROM event WHERE key >= ?1 AND key < ?2"
                                      " ORDER BY key DESC";
inline constexpr char kListEventTargets[] =
    "SELECT key, rest FROM event WHERE key >= ?1 AND key < ?2 ORDER BY key DESC";
inline constexpr char kEventHead[] = "SELECT " LATCHWIRE_EVENT_HEAD " FROM event WHERE key = ?1";
inline constexpr char kListWebhookDeliveries[] =
    "SELECT number, state FROM delivery WHERE webhook = ?1 AND number >= ?2 AND number <= ?3"
    " ORDER BY number DESC";
inline constexpr char kDeliveryState[] =
    "SELECT state FROM delivery WHERE webhook = ?1 AND number = ?2";
inline constexpr char kListAttempts[] =
    "SELECT attempt, record FROM attempt WHERE webhook = ?1 AND number = ?2 AND attempt > ?3"
    " ORDER BY attempt LIMIT ?4";

inline constexpr char kLoadStats[] = "SELECT " LATCHWIRE_STATS_COLUMNS
                                     " FROM webhook_stats WHERE webhook > ?1"
                                     " ORDER BY webhook LIMIT ?2";
inline constexpr char kSelectStats[] =
    "SELECT " LATCHWIRE_STATS_COLUMNS ", oldest_pending FROM webhook_stats WHERE webhook = ?1";
// What gives way to new deliveries: looks at what is behind ?2, which rises with every use.
inline constexpr char kOldestPending[] =
    "SELECT number FROM delivery WHERE webhook = ?1 AND number >= ?2 AND state = 0"
    " ORDER BY number LIMIT ?3";
inline constexpr char kStatesFrom[] =
    "SELECT number, state FROM delivery WHERE webhook = ?1 AND number >= ?2"
    " ORDER BY number LIMIT ?3";
inline constexpr char kExpired[] =
    "SELECT webhook, number FROM delivery INDEXED BY delivery_expires"
    " WHERE state = 0 AND expires IS NOT NULL AND expires <= ?1 ORDER BY expires LIMIT ?2";
inline constexpr char kCountWebhooks[] =
    "SELECT count(*) FROM (SELECT 1 FROM webhook WHERE tenant = ?1 LIMIT ?2)";

// Webhooks, and whether they have pending deliveries in lanes; the probe ends at its first row.
inline constexpr char kLoadWork[] =
    "SELECT key,"
    " (SELECT 1 FROM delivery INDEXED BY delivery_lane"
    "  WHERE webhook = key AND state = 0 AND lane IS NOT NULL LIMIT 1)"
    " FROM webhook WHERE key > ?1 ORDER BY key";
// The first priority above ?2 that has work, and when its earliest is due: with it each priority
// costs one probe, however much is pending.
inline constexpr char kNextPriority[] =
    "SELECT priority, due FROM delivery INDEXED BY delivery_due"
    " WHERE webhook = ?1 AND state = 0 AND lane IS NULL AND priority > ?2"
    " ORDER BY priority, due LIMIT 1";
inline constexpr char kDueNumbers[] =
    "SELECT number, due FROM delivery INDEXED BY delivery_due"
    " WHERE webhook = ?1 AND priority = ?2 AND state = 0 AND lane IS NULL ORDER BY due, number";
// The head of the first lane above ?2: with it each lane costs one probe, however long it is.
inline constexpr char kNextHead[] =
    "SELECT lane, number, due FROM delivery INDEXED BY delivery_lane"
    " WHERE webhook = ?1 AND state = 0 AND lane IS NOT NULL AND lane > ?2"
    " ORDER BY lane, number LIMIT 1";

}  // namespace latchwire::sqlite
