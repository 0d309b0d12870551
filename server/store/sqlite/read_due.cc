#include <utility>

#include "server/store/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {
namespace {

absl::StatusOr<bool> IsDeleted(Connection* connection, WebhookKey key) {
  Query query = connection->Use(kHasWebhook);
  query.Int(PackedKey(key));
  const bool exists = query.Next();
  if (!query.status().ok()) return query.status();
  return !exists;
}

absl::Status Append(Connection* connection, DeliveryKey key, DueDeliveries* due) {
  auto delivery = ReadDelivery(connection, key, nullptr);
  if (!delivery.ok()) return delivery.status();
  auto event = ReadEvent(connection, key.webhook.tenant, key.event_number);
  if (!event.ok()) return event.status();
  delivery->priority = event->priority;
  due->deliveries.push_back(
      {*std::move(delivery), std::make_shared<const Event>(*std::move(event))});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<WebhookWork>> LoadWork(Connection* connection, WebhookKey after,
                                                  int limit) {
  std::vector<WebhookWork> work;
  Query query = connection->Use(kLoadWork);
  query.Int(PackedKey(after));
  while (static_cast<int>(work.size()) < limit && query.Next()) {
    const WebhookKey webhook = UnpackedKey(query.IntAt(0));
    // Which head of a lane is due first would take a look at every lane.
    if (!query.IsNull(2)) {
      work.push_back({webhook, absl::InfinitePast()});
    } else if (!query.IsNull(1)) {
      work.push_back({webhook, UnpackTime(query.IntAt(1))});
    }
  }
  if (!query.status().ok()) return query.status();
  return work;
}

absl::StatusOr<DueDeliveries> LoadDue(Connection* connection, WebhookKey webhook, absl::Time now,
                                      int limit, const absl::flat_hash_set<int64_t>& exclude) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  DueDeliveries due;
  const auto deleted = IsDeleted(connection, webhook);
  if (!deleted.ok()) return deleted.status();
  if (*deleted) return due;
  Query query = connection->Use(kDueNumbers);
  query.Int(PackedKey(webhook));
  while (query.Next()) {
    const int64_t number = query.IntAt(0);
    if (exclude.contains(number)) continue;
    const absl::Time due_time = UnpackTime(query.IntAt(1));
    if (due_time > ToStoredTime(now)) {
      due.next_due = due_time;
      return due;
    }
    if (static_cast<int>(due.deliveries.size()) == limit) {
      due.more = true;
      return due;
    }
    absl::Status status = Append(connection, {webhook, number}, &due);
    if (!status.ok()) return status;
  }
  if (!query.status().ok()) return query.status();
  return due;
}

absl::StatusOr<DueDeliveries> LoadHeads(Connection* connection, WebhookKey webhook, absl::Time now,
                                        int limit,
                                        const absl::flat_hash_set<std::string>& exclude_lanes,
                                        std::string* resume) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  DueDeliveries due;
  const auto deleted = IsDeleted(connection, webhook);
  if (!deleted.ok()) return deleted.status();
  if (*deleted) return due;

  const std::string start = std::exchange(*resume, std::string());
  std::string lane = start;
  bool wrapped = start.empty();
  while (true) {
    Query query = connection->Use(kNextHead);
    query.Int(PackedKey(webhook)).Text(lane);
    if (!query.Next()) {
      if (!query.status().ok()) return query.status();
      if (wrapped) return due;
      wrapped = true;
      lane.clear();
      continue;
    }
    std::string next = query.StringAt(0);
    if (wrapped && !start.empty() && next > start) return due;
    const int64_t number = query.IntAt(1);
    const absl::Time due_time = UnpackTime(query.IntAt(2));
    lane = std::move(next);
    if (exclude_lanes.contains(lane)) continue;
    if (due_time > ToStoredTime(now)) {
      due.next_due = std::min(due.next_due, due_time);
      continue;
    }
    if (static_cast<int>(due.deliveries.size()) == limit) {
      due.more = true;
      due.next_due = absl::InfiniteFuture();
      *resume = due.deliveries.back().delivery.lane;
      return due;
    }
    absl::Status status = Append(connection, {webhook, number}, &due);
    if (!status.ok()) return status;
  }
}

}  // namespace latchwire::sqlite
