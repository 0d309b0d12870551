#include <utility>

#include "server/store/driver/delivery_rules.h"
#include "server/store/driver/driver_errors.h"
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
  std::optional<int64_t>& fence = leases_.fences[static_cast<size_t>(partition)];
  if (fence.has_value()) return *fence;
  Query query = connection_.Use(kSelectFence);
  query.Int(partition);
  const int64_t value = query.Next() ? query.IntAt(0) : 0;
  if (!query.status().ok()) return query.status();
  fence = value;
  return value;
}

absl::Status Transaction::CheckFences(const RecordOutcomes& record, absl::Status* own) {
  for (const DeliveryOutcome& outcome : record.outcomes) {
    const auto fence = CurrentFence(PartitionOf(outcome.key.webhook));
    if (!fence.ok()) return fence.status();
    *own = CheckFence(outcome, *fence);
    if (!own->ok()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Transaction::Apply(const RecordOutcomes& record, Answer<RecordOutcomes>& answer) {
  absl::Status own;
  absl::Status status = CheckFences(record, &own);
  for (const MatchedEvents& append : record.operational) {
    if (status.ok() && own.ok()) status = CheckGeneration(append, &own);
  }
  if (!own.ok()) answer = own;
  if (!status.ok() || !own.ok()) return status;

  RecordOutcomes::Result result;
  result.outcomes.reserve(record.outcomes.size());
  for (const DeliveryOutcome& outcome : record.outcomes) {
    const auto recorded = RecordOne(outcome);
    if (!recorded.ok()) return recorded.status();
    result.outcomes.push_back(*recorded);
  }
  status = ApplyOperational(record.operational, &result.operational);
  if (!status.ok()) return status;
  result.stats = CollectStats();
  answer = std::move(result);
  return absl::OkStatus();
}

absl::StatusOr<RecordOutcomes::Recorded> Transaction::RecordOne(const DeliveryOutcome& outcome) {
  using Recorded = RecordOutcomes::Recorded;
  const auto row = GetStats(outcome.key.webhook);
  if (!row.ok()) return row.status();
  if (!(*row)->exists) return Recorded::kGone;  // it has no deliveries, or was deleted
  absl::StatusOr<bool> is_first = false;
  if (outcome.attempt.number == 1) is_first = RecordFirst(outcome, *row);
  if (!is_first.ok()) return is_first.status();
  absl::StatusOr<Recorded> recorded = Recorded::kRecorded;
  if (!*is_first) recorded = RecordLater(outcome, *row);
  if (recorded.ok() && *recorded == Recorded::kRecorded && outcome.attempt.number > 0) {
    Touch(*row);
    CountAttempt(outcome.attempt, outcome.state == DeliveryState::kSucceeded, &(*row)->stats);
  }
  return recorded;
}

absl::StatusOr<bool> Transaction::RecordFirst(const DeliveryOutcome& outcome, StatsRow* row) {
  PackAttempt(outcome.attempt, &rest_);
  Query query = connection_.Use(kRecordFirst);
  query.Int(PackedKey(outcome.key.webhook)).Int(outcome.key.event_number);
  query.Int(static_cast<int>(outcome.state));
  outcome.state == DeliveryState::kPending ? query.Int(PackTime(outcome.due_time)) : query.Null();
  query.Int(outcome.attempt.number).Int(outcome.failure_count).Blob(rest_);
  if (absl::Status status = query.Run(); !status.ok()) return status;
  if (connection_.changed_rows() != 1) return false;
  CountMove(row, outcome.key.event_number, DeliveryState::kPending, outcome.state);
  return true;
}

absl::StatusOr<RecordOutcomes::Recorded> Transaction::RecordLater(const DeliveryOutcome& outcome,
                                                                  StatsRow* row) {
  std::string last_attempt;
  auto delivery = ReadDelivery(&connection_, outcome.key, &last_attempt);
  if (absl::IsNotFound(delivery.status())) return RecordOutcomes::Recorded::kGone;
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
      last_attempt = rest_;
    }
    if (!status.ok()) return status;
  }
  const DeliveryState before = delivery->state;
  if (ApplyOutcome(outcome, &*delivery)) {
    Touch(row);
    CountMove(row, outcome.key.event_number, before, delivery->state);
  }
  absl::Status status = WriteDelivery(&connection_, *delivery, last_attempt);
  if (!status.ok()) return status;
  return RecordOutcomes::Recorded::kRecorded;
}

absl::Status Transaction::Apply(const RetryDelivery& retry, Answer<RetryDelivery>& answer) {
  const auto exists = WebhookExists(retry.key.webhook);
  if (!exists.ok()) return exists.status();
  absl::StatusOr<Delivery> delivery = DeliveryNotFoundError(retry.key);
  if (*exists) delivery = ReadDelivery(&connection_, retry.key, nullptr);
  if (absl::IsNotFound(delivery.status())) {
    answer = delivery.status();
    return absl::OkStatus();
  }
  if (!delivery.ok()) return delivery.status();
  if (absl::Status own = CheckRetry(*delivery); !own.ok()) {
    answer = own;
    return absl::OkStatus();
  }
  absl::Status status = MakePendingAgain(retry.key, delivery->state, retry.now);
  if (!status.ok()) return status;
  latchwire::MakePendingAgain(retry.now, &*delivery);
  answer = RetryDelivery::Result{*std::move(delivery), CollectStats()};
  return absl::OkStatus();
}

}  // namespace latchwire::sqlite
