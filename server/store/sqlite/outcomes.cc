#include <utility>

#include "server/store/driver/driver_rules.h"
#include "server/store/driver/stats_rules.h"
#include "server/store/sqlite/codec.h"
#include "server/store/sqlite/rows.h"
#include "server/store/sqlite/transaction.h"

namespace latchwire::sqlite {
namespace {

constexpr char kSelectFence[] = "SELECT fence FROM lease WHERE partition = ?1";
// The common case in one statement: the first attempt of a delivery that nobody has touched.
constexpr char kRecordFirst[] =
    "UPDATE delivery SET state = ?3, due = ?4, attempts = ?5, failures = ?6, last_attempt = ?7"
    " WHERE webhook = ?1 AND number = ?2 AND attempts = 0 AND state = 0";
constexpr char kUpdateDelivery[] =
    "UPDATE delivery SET state = ?3, due = ?4, attempts = ?5, failures = ?6, last_attempt = ?7,"
    " expires = ?8 WHERE webhook = ?1 AND number = ?2";
constexpr char kPutAttempt[] = "INSERT OR REPLACE INTO attempt VALUES(?1, ?2, ?3, ?4)";

absl::Status PutAttempt(Connection* connection, DeliveryKey key, int attempt,
                        absl::string_view record) {
  Query query = connection->Use(kPutAttempt);
  return query.Int(PackedKey(key.webhook)).Int(key.event_number).Int(attempt).Blob(record).Run();
}

absl::Status WriteDelivery(Connection* connection, const Delivery& delivery,
                           absl::string_view last_attempt) {
  Query query = connection->Use(kUpdateDelivery);
  query.Int(PackedKey(delivery.key.webhook)).Int(delivery.key.event_number);
  query.Int(static_cast<int>(delivery.state));
  delivery.state == DeliveryState::kPending ? query.Int(PackTime(delivery.due_time)) : query.Null();
  query.Int(delivery.attempt_count).Int(delivery.failure_count);
  last_attempt.empty() ? query.Null() : query.Blob(last_attempt);
  delivery.expire_time == absl::InfiniteFuture() ? query.Null()
                                                 : query.Int(PackTime(delivery.expire_time));
  return query.Run();
}

}  // namespace

absl::StatusOr<int64_t> Transaction::CurrentFence(int partition) {
  std::optional<int64_t>& fence = fences_[partition];
  if (fence.has_value()) return *fence;
  Query query = connection_.Use(kSelectFence);
  query.Int(partition);
  const int64_t value = query.Next() ? query.IntAt(0) : 0;
  if (!query.status().ok()) return query.status();
  fence = value;
  return value;
}

absl::Status Transaction::CheckFences(RecordOutcomes& record) {
  for (const DeliveryOutcome& outcome : record.outcomes) {
    const int partition = PartitionOf(outcome.key.webhook);
    const auto fence = CurrentFence(partition);
    if (!fence.ok()) return fence.status();
    if (outcome.fence == 0 || outcome.fence != *fence) {
      record.status = FencedError(partition);
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::Apply(RecordOutcomes& record) {
  absl::Status status = CheckFences(record);
  for (const AppendEvents& append : record.operational) {
    if (status.ok() && record.status.ok()) status = CheckGeneration(append, &record.status);
  }
  if (!status.ok() || !record.status.ok()) return status;
  for (DeliveryOutcome& outcome : record.outcomes) {
    outcome.result = DeliveryOutcome::Result::kGone;
    const auto row = GetStats(outcome.key.webhook);
    if (!row.ok()) return row.status();
    if (!(*row)->exists) continue;  // so it has no deliveries, or was deleted
    bool recorded = false;
    if (outcome.attempt.number == 1) status = RecordFirst(outcome, *row, &recorded);
    if (status.ok() && !recorded) status = RecordLater(outcome, *row);
    if (!status.ok()) return status;
    if (outcome.result == DeliveryOutcome::Result::kRecorded && outcome.attempt.number > 0) {
      Touch(*row);
      CountAttempt(outcome.attempt, outcome.state == DeliveryState::kSucceeded, &(*row)->stats);
    }
  }
  for (AppendEvents& append : record.operational) {
    if (status = ApplyMatched(append, 0); !status.ok()) return status;
  }
  TakeStats(&record.stats);
  return absl::OkStatus();
}

absl::Status Transaction::RecordFirst(DeliveryOutcome& outcome, StatsRow* row, bool* recorded) {
  PackAttempt(outcome.attempt, &rest_);
  Query query = connection_.Use(kRecordFirst);
  query.Int(PackedKey(outcome.key.webhook)).Int(outcome.key.event_number);
  query.Int(static_cast<int>(outcome.state));
  outcome.state == DeliveryState::kPending ? query.Int(PackTime(outcome.due_time)) : query.Null();
  query.Int(outcome.attempt.number).Int(outcome.failure_count).Blob(rest_);
  absl::Status status = query.Run();
  *recorded = status.ok() && connection_.changed_rows() == 1;
  if (!*recorded) return status;
  outcome.result = DeliveryOutcome::Result::kRecorded;
  CountMove(row, outcome.key.event_number, DeliveryState::kPending, outcome.state);
  return status;
}

absl::Status Transaction::RecordLater(DeliveryOutcome& outcome, StatsRow* row) {
  std::string last_attempt;
  auto delivery = ReadDelivery(&connection_, outcome.key, &last_attempt);
  if (delivery.status().code() == absl::StatusCode::kNotFound) return absl::OkStatus();
  if (!delivery.ok()) return delivery.status();

  const Attempt& attempt = outcome.attempt;
  if (attempt.number > 0) {
    PackAttempt(attempt, &rest_);
    absl::Status status;
    if (attempt.number < delivery->attempt_count) {
      status = PutAttempt(&connection_, outcome.key, attempt.number, rest_);
    } else {
      if (attempt.number > delivery->attempt_count && delivery->attempt_count > 0) {
        status = PutAttempt(&connection_, outcome.key, delivery->attempt_count, last_attempt);
      }
      delivery->attempt_count = attempt.number;
      last_attempt = rest_;
    }
    if (!status.ok()) return status;
  }
  const DeliveryState before = delivery->state;
  delivery->state = StateAfter(before, outcome.state);
  if (before == DeliveryState::kPending || delivery->state != before) {
    delivery->failure_count = outcome.failure_count;
    delivery->due_time = outcome.due_time;
    Touch(row);
    CountMove(row, outcome.key.event_number, before, delivery->state);
  }
  outcome.result = DeliveryOutcome::Result::kRecorded;
  return WriteDelivery(&connection_, *delivery, last_attempt);
}

absl::Status Transaction::Apply(RetryDelivery& retry) {
  const auto exists = WebhookExists(retry.key.webhook);
  if (!exists.ok()) return exists.status();
  absl::StatusOr<Delivery> delivery = DeliveryNotFoundError(retry.key);
  if (*exists) delivery = ReadDelivery(&connection_, retry.key, nullptr);
  if (delivery.status().code() == absl::StatusCode::kNotFound) {
    retry.status = delivery.status();
    return absl::OkStatus();
  }
  if (!delivery.ok()) return delivery.status();
  if (delivery->state == DeliveryState::kSucceeded) {
    retry.status = DeliveryStateError(delivery->state);
    return absl::OkStatus();
  }
  absl::Status status = MakePendingAgain(retry.key, delivery->state, retry.now);
  if (!status.ok()) return status;
  delivery = ReadDelivery(&connection_, retry.key, nullptr);
  if (!delivery.ok()) return delivery.status();
  retry.delivery = *std::move(delivery);
  TakeStats(&retry.stats);
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
