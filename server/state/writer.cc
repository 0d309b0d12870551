#include "server/state/writer.h"

#include <utility>

#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

constexpr size_t kMutationOverheadBytes = 256;

size_t SizeOf(const AppendEvents& append) {
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

template <typename T>
size_t SizeOf(const T&) {
  return kMutationOverheadBytes;
}

size_t EventsIn(const Mutation& mutation) {
  if (const auto* append = std::get_if<AppendEvents>(&mutation)) return append->events.size();
  if (const auto* record = std::get_if<RecordOutcomes>(&mutation)) return record->outcomes.size();
  return 1;
}

bool AlwaysTaken(const Mutation& mutation) {
  return std::holds_alternative<RecordOutcomes>(mutation) ||
         std::holds_alternative<AcquireLeases>(mutation) ||
         std::holds_alternative<ReleaseLeases>(mutation);
}

}  // namespace

void Writer::Submit(Mutation mutation, Done done) {
  Entry entry;
  entry.bytes = std::visit([](const auto& m) { return SizeOf(m); }, mutation);
  entry.events = EventsIn(mutation);
  const bool always = AlwaysTaken(mutation);
  entry.mutation = std::move(mutation);
  entry.done = std::move(done);

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
    StatusOf(entry.mutation) = refusal;
    entry.done(std::move(entry.mutation));
    return;
  }
  if (was_empty) {
    has_work_.NotifyOne();
    if (wake_) wake_();
  }
}

bool Writer::Step() {
  std::vector<Mutation> mutations;
  std::vector<Done> dones;
  size_t bytes = 0;
  {
    MutexLock lock(&mutex_);
    size_t events = 0;
    while (!queue_.empty()) {
      Entry& next = queue_.front();
      const bool fits = bytes + next.bytes <= options_.max_batch_bytes &&
                        events + next.events <= options_.max_batch_events;
      if (!mutations.empty() && !fits) break;
      bytes += next.bytes;
      events += next.events;
      mutations.push_back(std::move(next.mutation));
      dones.push_back(std::move(next.done));
      queue_.pop_front();
    }
  }
  if (mutations.empty()) return false;

  // The statuses tell; the whole transaction's failure is in every one of them.
  store_->Write(absl::MakeSpan(mutations)).IgnoreError();
  for (CommitObserver* observer : observers_) observer->OnCommitted(mutations);
  for (size_t i = 0; i < mutations.size(); ++i) dones[i](std::move(mutations[i]));

  // Only now: what is being written still takes memory.
  MutexLock lock(&mutex_);
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
