#include "server/state/writer.h"

#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

constexpr size_t kMutationOverheadBytes = 256;

size_t SizeOf(const MatchedEvents& append) {
  size_t bytes = kMutationOverheadBytes;
  for (const NewEvent& event : append.events) {
    bytes += kMutationOverheadBytes + event.event->data.size() + 64 * event.targets.size();
  }
  return bytes;
}

size_t SizeOf(const RecordOutcomes& record) {
  size_t bytes = kMutationOverheadBytes;
  for (const DeliveryOutcome& outcome : record.outcomes) {
    bytes += kMutationOverheadBytes + outcome.attempt.response_body.size();
  }
  return bytes;
}

// What counts against the bounds of a transaction.
struct Size {
  size_t bytes = kMutationOverheadBytes;
  size_t events = 1;
};

Size SizeOf(const Mutation& mutation) {
  return std::visit(
      [](const auto& value) -> Size {
        using M = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_base_of_v<MatchedEvents, M>) {
          return {SizeOf(static_cast<const MatchedEvents&>(value)), value.events.size()};
        } else if constexpr (std::is_same_v<M, RecordOutcomes>) {
          return {SizeOf(value), value.outcomes.size()};
        } else {
          return {};
        }
      },
      mutation);
}

bool IsAlwaysAccepted(const Mutation& mutation) {
  return std::holds_alternative<RecordOutcomes>(mutation) ||
         std::holds_alternative<AcquireLeases>(mutation) ||
         std::holds_alternative<ReleaseLeases>(mutation);
}

// Gives the stored events their numbers; see Writer.
void NumberEvents(const MatchedEvents& append, const AppendResult& result, bool /*operational*/) {
  LATCHWIRE_CHECK(append.events.size() == result.events.size());
  for (size_t i = 0; i < append.events.size(); ++i) {
    if (result.events[i].kind != AppendResult::Kind::kStored) continue;
    Event& event = *append.events[i].event;
    LATCHWIRE_CHECK(event.number == 0, "event ", event.id, " has number ", event.number);
    LATCHWIRE_CHECK(result.events[i].number > 0, "event ", event.id);
    event.number = result.events[i].number;
  }
}

}  // namespace

void Writer::SubmitAny(Mutation mutation, AnyDone done) {
  const Size size = SizeOf(mutation);
  const bool always = IsAlwaysAccepted(mutation);
  Entry entry{std::move(mutation), std::move(done), size.bytes, size.events};

  absl::Status refusal;
  bool was_empty = false;
  {
    MutexLock lock(&mutex_);
    if (closed_) {
      refusal = MakeError(absl::StatusCode::kUnavailable, error_reason::kShuttingDown,
                          "server is shutting down");
    } else if (!always && (queue_.size() >= options_.max_queued_mutations ||
                           queued_bytes_ + entry.bytes > options_.max_queued_bytes)) {
      refusal =
          WithRetryAfter(MakeError(absl::StatusCode::kResourceExhausted, error_reason::kOverloaded,
                                   "the queue of writes is full; nothing was stored"),
                         absl::Seconds(1));
    } else {
      was_empty = queue_.empty();
      queued_bytes_ += entry.bytes;
      queue_.push_back(std::move(entry));
    }
  }
  if (!refusal.ok()) {
    entry.done(std::move(entry.mutation), std::move(refusal));
    return;
  }
  if (was_empty) {
    has_work_.NotifyOne();
    if (wake_) wake_();
  }
}

size_t Writer::PopBatch(std::vector<Mutation>* mutations, std::vector<AnyDone>* dones) {
  size_t bytes = 0;
  size_t events = 0;
  MutexLock lock(&mutex_);
  while (!queue_.empty()) {
    Entry& next = queue_.front();
    const bool fits = bytes + next.bytes <= options_.max_batch_bytes &&
                      events + next.events <= options_.max_batch_events;
    if (!mutations->empty() && !fits) break;
    bytes += next.bytes;
    events += next.events;
    mutations->push_back(std::move(next.mutation));
    dones->push_back(std::move(next.done));
    queue_.pop_front();
  }
  LATCHWIRE_CHECK(bytes <= queued_bytes_);
  return bytes;
}

bool Writer::Step() {
  std::vector<Mutation> mutations;
  std::vector<AnyDone> dones;
  const size_t bytes = PopBatch(&mutations, &dones);
  if (mutations.empty()) return false;

  // The results tell; the whole transaction's failure is in every one of them.
  std::vector<MutationResult> results(mutations.size());
  store_->Write(mutations, absl::MakeSpan(results)).IgnoreError();
  const WrittenBatch batch(mutations, results);
  batch.ForEachAppend(NumberEvents);
  for (CommitObserver* observer : observers_) observer->OnCommitted(batch);
  for (size_t i = 0; i < mutations.size(); ++i) {
    dones[i](std::move(mutations[i]), std::move(results[i]));
  }

  // Only now: what is being written still takes memory.
  MutexLock lock(&mutex_);
  LATCHWIRE_CHECK(bytes <= queued_bytes_);
  queued_bytes_ -= bytes;
  return true;
}

bool Writer::WaitForWork() {
  MutexLock lock(&mutex_);
  while (queue_.empty() && !closed_) has_work_.Wait(&mutex_);
  return !queue_.empty();
}

void Writer::Close() {
  MutexLock lock(&mutex_);
  closed_ = true;
  has_work_.NotifyAll();
}

size_t Writer::queued_bytes() const {
  MutexLock lock(&mutex_);
  return queued_bytes_;
}

bool Writer::IsFull() const {
  MutexLock lock(&mutex_);
  return queue_.size() >= options_.max_queued_mutations ||
         queued_bytes_ + kMutationOverheadBytes > options_.max_queued_bytes;
}

}  // namespace latchwire
