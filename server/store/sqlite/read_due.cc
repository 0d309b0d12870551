#include <algorithm>
#include <utility>

#include "server/store/driver/driver_rules.h"
#include "server/store/driver/due_choice.h"
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

// Gathers deliveries with their events until they are enough for one load.
class Gatherer {
 public:
  Gatherer(Connection* connection, WebhookKey webhook, int limit)
      : connection_(connection), webhook_(webhook), limit_(static_cast<size_t>(limit)) {}

  bool IsFull() const { return due.deliveries.size() >= limit_ || bytes_ >= kMaxLoadBytes; }
  absl::Status Add(int64_t number) {
    auto delivery = ReadDelivery(connection_, {webhook_, number}, nullptr);
    if (!delivery.ok()) return delivery.status();
    auto event = ReadEvent(connection_, webhook_.tenant, number);
    if (!event.ok()) return event.status();
    bytes_ += event->data.size();
    due.deliveries.push_back(
        {*std::move(delivery), std::make_shared<const Event>(*std::move(event))});
    return absl::OkStatus();
  }
  // More is due than was gathered.
  void StopShort() {
    due.more = true;
    due.next_due = absl::InfiniteFuture();
  }

  DueDeliveries due;

 private:
  Connection* const connection_;
  const WebhookKey webhook_;
  const size_t limit_;
  size_t bytes_ = 0;
};

struct PriorityWork {
  int priority;
  absl::Time first_due;
};

// The priorities with pending deliveries that have no order key, ascending.
absl::StatusOr<std::vector<PriorityWork>> PrioritiesOf(Connection* connection, int64_t webhook) {
  std::vector<PriorityWork> work;
  for (int64_t after = INT64_MIN;;) {
    Query query = connection->Use(kNextPriority);
    query.Int(webhook).Int(after);
    if (!query.Next()) {
      if (!query.status().ok()) return query.status();
      return work;
    }
    after = query.IntAt(0);
    work.push_back({static_cast<int>(after), UnpackTime(query.IntAt(1))});
  }
}

}  // namespace

absl::StatusOr<std::vector<WebhookWork>> LoadWork(Connection* connection, WebhookKey after,
                                                  int limit) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  std::vector<WebhookWork> work;
  Query query = connection->Use(kLoadWork);
  query.Int(PackedKey(after));
  while (static_cast<int>(work.size()) < limit && query.Next()) {
    const int64_t key = query.IntAt(0);
    // Finding the earliest due head would take a look at every order key.
    if (!query.IsNull(1)) {
      work.push_back({UnpackedKey(key), absl::InfinitePast()});
      continue;
    }
    const auto priorities = PrioritiesOf(connection, key);
    if (!priorities.ok()) return priorities.status();
    if (priorities->empty()) continue;
    absl::Time first_due = absl::InfiniteFuture();
    for (const PriorityWork& each : *priorities) first_due = std::min(first_due, each.first_due);
    work.push_back({UnpackedKey(key), first_due});
  }
  if (!query.status().ok()) return query.status();
  return work;
}

absl::StatusOr<DueDeliveries> LoadDue(Connection* connection, WebhookKey webhook, absl::Time now,
                                      int limit, const absl::flat_hash_set<int64_t>& exclude) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  const auto deleted = IsDeleted(connection, webhook);
  if (!deleted.ok()) return deleted.status();
  if (*deleted) return DueDeliveries();

  Gatherer gatherer(connection, webhook, limit);
  const auto priorities = PrioritiesOf(connection, PackedKey(webhook));
  if (!priorities.ok()) return priorities.status();
  std::vector<DueOfPriority> by_priority;
  int found = 0;
  for (auto work = priorities->rbegin(); work != priorities->rend(); ++work) {
    DueOfPriority& of_priority = by_priority.emplace_back();
    of_priority.priority = work->priority;
    const size_t wanted =
        static_cast<size_t>(std::max(limit - found, LowerPriorityPart(limit))) + 1;
    Query query = connection->Use(kDueNumbers);
    query.Int(PackedKey(webhook)).Int(work->priority);
    while (of_priority.entries.size() < wanted && query.Next()) {
      const int64_t number = query.IntAt(0);
      if (exclude.contains(number)) continue;
      const absl::Time due_time = UnpackTime(query.IntAt(1));
      if (due_time > ToStoredTime(now)) {
        gatherer.due.next_due = std::min(gatherer.due.next_due, due_time);
        break;
      }
      of_priority.entries.push_back({due_time, number});
    }
    if (!query.status().ok()) return query.status();
    found += static_cast<int>(of_priority.entries.size());
  }

  const std::vector<int64_t> numbers = ChooseDue(by_priority, limit);
  for (const int64_t number : numbers) {
    if (gatherer.IsFull()) break;
    absl::Status status = gatherer.Add(number);
    if (!status.ok()) return status;
  }
  if (static_cast<int>(gatherer.due.deliveries.size()) < found) gatherer.StopShort();
  return std::move(gatherer.due);
}

absl::StatusOr<DueDeliveries> LoadHeads(Connection* connection, WebhookKey webhook, absl::Time now,
                                        int limit,
                                        const absl::flat_hash_set<std::string>& exclude_order_keys,
                                        std::string* resume) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  const auto deleted = IsDeleted(connection, webhook);
  if (!deleted.ok()) return deleted.status();
  if (*deleted) return DueDeliveries();

  Gatherer gatherer(connection, webhook, limit);
  const std::string start = std::exchange(*resume, std::string());
  std::string order_key = start;
  bool wrapped = start.empty();
  while (true) {
    Query query = connection->Use(kNextHead);
    query.Int(PackedKey(webhook)).Text(order_key);
    if (!query.Next()) {
      if (!query.status().ok()) return query.status();
      if (wrapped) return std::move(gatherer.due);
      wrapped = true;
      order_key.clear();
      continue;
    }
    std::string next = query.StringAt(0);
    if (wrapped && !start.empty() && next > start) return std::move(gatherer.due);
    const int64_t number = query.IntAt(1);
    const absl::Time due_time = UnpackTime(query.IntAt(2));
    order_key = std::move(next);
    if (exclude_order_keys.contains(order_key)) continue;
    if (due_time > ToStoredTime(now)) {
      gatherer.due.next_due = std::min(gatherer.due.next_due, due_time);
      continue;
    }
    if (gatherer.IsFull()) {
      *resume = gatherer.due.deliveries.back().delivery.order_key;
      gatherer.StopShort();
      return std::move(gatherer.due);
    }
    absl::Status status = gatherer.Add(number);
    if (!status.ok()) return status;
  }
}

}  // namespace latchwire::sqlite
