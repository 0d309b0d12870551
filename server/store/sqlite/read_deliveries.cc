#include <algorithm>
#include <utility>

#include "server/store/driver/driver_errors.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/queries.h"
#include "server/store/sqlite/reads.h"

namespace latchwire::sqlite {
namespace {

absl::StatusOr<bool> HasWebhook(Connection* connection, WebhookKey key) {
  Query query = connection->Use(kHasWebhook);
  query.Int(PackedKey(key));
  const bool exists = query.Next();
  if (!query.status().ok()) return query.status();
  return exists;
}

absl::StatusOr<PendingDelivery> ReadWithEventHead(Connection* connection, DeliveryKey key) {
  auto delivery = ReadDelivery(connection, key, nullptr);
  if (!delivery.ok()) return delivery.status();
  auto event = std::make_shared<Event>();
  event->number = key.event_number;
  Query query = connection->Use(kEventHead);
  query.Int(EventKey(key.webhook.tenant, key.event_number));
  if (!query.Next()) {
    return query.status().ok() ? DeliveryNotFoundError(key) : query.status();
  }
  absl::Status status = EventFrom(query, 0, false, event.get(), nullptr);
  if (!status.ok()) return status;
  return PendingDelivery{*std::move(delivery), std::move(event)};
}

// Fills a page from deliveries that are offered newest first.
class PageBuilder {
 public:
  PageBuilder(Connection* connection, TenantId tenant, const DeliveryFilter& filter,
              DeliveryCursor after, int limit)
      : connection_(connection), tenant_(tenant), filter_(filter), after_(after), limit_(limit) {}

  // False when the page is at its end and `key` is not on it any more.
  bool Offer(int64_t number, int64_t uid, DeliveryState state) {
    const std::pair<int64_t, int64_t> here(number, uid);
    if (after_ && !(here < *after_)) return true;
    if (IsFull()) {
      page_.next = last_;
      return false;
    }
    Look(number, uid);
    if (!filter_.state || *filter_.state == state) {
      auto read = ReadWithEventHead(connection_, {{tenant_, uid}, number});
      if (!read.ok()) {
        status_ = read.status();
        return false;
      }
      page_.deliveries.push_back(*std::move(read));
    }
    return true;
  }
  // A row was looked at, and everything down to (number, uid) is done.
  void Look(int64_t number, int64_t uid) {
    ++looked_at_;
    last_ = std::pair(number, uid);
  }
  // As Offer, for an event as a whole.
  bool OfferEvent() {
    if (!IsFull()) return true;
    page_.next = last_;
    return false;
  }

  void Fail(absl::Status status) { status_ = std::move(status); }
  absl::StatusOr<DeliveryPage> Finish() {
    if (!status_.ok()) return status_;
    return std::move(page_);
  }

 private:
  bool IsFull() const {
    return static_cast<int>(page_.deliveries.size()) == limit_ || looked_at_ >= kMaxRowsPerPage;
  }

  Connection* const connection_;
  const TenantId tenant_;
  const DeliveryFilter& filter_;
  const DeliveryCursor after_;
  const int limit_;
  int looked_at_ = 0;
  DeliveryCursor last_;
  DeliveryPage page_;
  absl::Status status_;
};

void ListOfWebhook(Connection* connection, WebhookKey webhook, int64_t first, int64_t last,
                   PageBuilder* builder) {
  Query query = connection->Use(kListWebhookDeliveries);
  query.Int(PackedKey(webhook)).Int(first).Int(last);
  while (query.Next()) {
    const auto state = static_cast<DeliveryState>(query.IntAt(1));
    if (!builder->Offer(query.IntAt(0), webhook.uid, state)) return;
  }
  if (!query.status().ok()) builder->Fail(query.status());
}

// False when the page is at its end.
bool ListOfEvent(Connection* connection, TenantId tenant, int64_t number,
                 const std::vector<int64_t>& uids, PageBuilder* builder) {
  for (auto uid = uids.rbegin(); uid != uids.rend(); ++uid) {
    const WebhookKey webhook{tenant, *uid};
    const auto exists = HasWebhook(connection, webhook);
    if (!exists.ok()) {
      builder->Fail(exists.status());
      return false;
    }
    if (!*exists) continue;
    Query query = connection->Use(kDeliveryState);
    query.Int(PackedKey(webhook)).Int(number);
    if (query.Next()) {
      const auto state = static_cast<DeliveryState>(query.IntAt(0));
      if (!builder->Offer(number, *uid, state)) return false;
    } else if (!query.status().ok()) {
      builder->Fail(query.status());
      return false;
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<PendingDelivery> GetDelivery(Connection* connection, DeliveryKey key) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  const auto exists = HasWebhook(connection, key.webhook);
  if (!exists.ok()) return exists.status();
  if (!*exists) return DeliveryNotFoundError(key);
  return ReadWithEventHead(connection, key);
}

absl::StatusOr<DeliveryPage> ListDeliveries(Connection* connection, TenantId tenant,
                                            const DeliveryFilter& filter, DeliveryCursor after,
                                            int limit) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  PageBuilder builder(connection, tenant, filter, after, limit);
  int64_t first = 1;
  int64_t last = after ? after->first : EventKey(1, 0) - 1;
  if (filter.event_number) {
    first = std::max(first, *filter.event_number);
    last = std::min(last, *filter.event_number);
  }

  if (filter.webhook_uid) {
    const WebhookKey webhook{tenant, *filter.webhook_uid};
    const auto exists = HasWebhook(connection, webhook);
    if (!exists.ok()) return exists.status();
    if (*exists) ListOfWebhook(connection, webhook, first, last, &builder);
    return builder.Finish();
  }
  if (first > last) return builder.Finish();

  // There is no index of deliveries by event: the event's row knows its webhooks.
  Query query = connection->Use(kListEventTargets);
  query.Int(EventKey(tenant, first)).Int(EventKey(tenant, last) + 1);
  while (query.Next() && builder.OfferEvent()) {
    const int64_t number = NumberOf(query.IntAt(0));
    Event ignored;
    std::vector<int64_t> uids;
    absl::Status status = UnpackEvent(query.BytesAt(1), &ignored, &uids);
    if (!status.ok()) return status;
    if (!ListOfEvent(connection, tenant, number, uids, &builder)) return builder.Finish();
    builder.Look(number, 0);
  }
  if (!query.status().ok()) return query.status();
  return builder.Finish();
}

absl::StatusOr<std::vector<Attempt>> ListAttempts(Connection* connection, DeliveryKey key,
                                                  int after, int limit) {
  Snapshot snapshot(connection);
  if (!snapshot.status().ok()) return snapshot.status();
  const auto exists = HasWebhook(connection, key.webhook);
  if (!exists.ok()) return exists.status();
  if (!*exists) return DeliveryNotFoundError(key);
  std::string last_attempt;
  const auto delivery = ReadDelivery(connection, key, &last_attempt);
  if (!delivery.ok()) return delivery.status();

  std::vector<Attempt> attempts;
  Query query = connection->Use(kListAttempts);
  query.Int(PackedKey(key.webhook)).Int(key.event_number).Int(after).Int(limit);
  while (query.Next()) {
    Attempt& attempt = attempts.emplace_back();
    attempt.number = static_cast<int>(query.IntAt(0));
    absl::Status status = UnpackAttempt(query.BytesAt(1), &attempt);
    if (!status.ok()) return status;
  }
  if (!query.status().ok()) return query.status();
  if (static_cast<int>(attempts.size()) < limit && delivery->attempt_count > after) {
    Attempt& attempt = attempts.emplace_back();
    attempt.number = delivery->attempt_count;
    absl::Status status = UnpackAttempt(last_attempt, &attempt);
    if (!status.ok()) return status;
  }
  return attempts;
}

}  // namespace latchwire::sqlite
