#include "server/delivery/outcome_recorder.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire {
namespace {

// One transaction's worth: more would make everybody wait behind it.
constexpr size_t kMaxOutcomesPerWrite = 2048;
// After so many matches that were stale at the commit, outcomes go without events about them.
constexpr int kMaxStaleWrites = 20;

size_t CountEvents(const RecordOutcomes& record) {
  size_t count = 0;
  for (const MatchedEvents& append : record.operational) count += append.events.size();
  return count;
}

}  // namespace

OutcomeRecorder::OutcomeRecorder(Executor* executor, Writer* writer, Random* random,
                                 Callbacks callbacks)
    : executor_(executor),
      writer_(writer),
      callbacks_(std::move(callbacks)),
      backoff_(absl::Milliseconds(50), absl::Seconds(2), random) {}

void OutcomeRecorder::Add(Entry entry) {
  LATCHWIRE_DCHECK(entry.outcome.key == entry.delivery.delivery.key && entry.outcome.fence != 0);
  waiting_.push_back(std::move(entry));
  if (busy_) return;
  // In a task of its own, so that answers which arrive together are written together.
  busy_ = true;
  executor_->Post([this] { Flush(); });
}

void OutcomeRecorder::Flush() {
  if (writing_.empty()) {
    if (waiting_.size() <= kMaxOutcomesPerWrite) {
      writing_.swap(waiting_);
    } else {
      const auto end = waiting_.begin() + kMaxOutcomesPerWrite;
      writing_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
      waiting_.erase(waiting_.begin(), end);
    }
  }
  RecordOutcomes record;
  record.outcomes.reserve(writing_.size());
  for (const Entry& entry : writing_) record.outcomes.push_back(entry.outcome);
  record.operational = callbacks_.operational(writing_);
  if (without_operational_) {
    callbacks_.operational_lost(CountEvents(record));
    record.operational.clear();
  }
  writer_->Submit(std::move(record), [this](Written<RecordOutcomes> written) {
    executor_->Post([this, written = std::move(written)]() mutable { OnDone(std::move(written)); });
  });
}

void OutcomeRecorder::OnDone(Written<RecordOutcomes> done) {
  const bool ok = done.result.ok();
  const std::string reason = ReasonOf(done.result.status());
  const bool stale = reason == internal_reason::kStaleGeneration;
  if (stale && ++stale_writes_ <= kMaxStaleWrites) return Flush();
  if (!ok && reason != internal_reason::kFenced && reason != error_reason::kShuttingDown) {
    // Whatever is wrong with the events, what became of the deliveries must be written.
    if (!done.mutation.operational.empty() && reason != error_reason::kStoreUnavailable) {
      without_operational_ = true;
    }
    // A full disk, say. The attempts have been made; keep trying to write them down.
    executor_->PostAfter(backoff_.Next(), [this] { Flush(); });
    return;
  }
  backoff_.Reset();
  stale_writes_ = 0;
  without_operational_ = false;
  std::vector<Entry> written;
  written.swap(writing_);
  LATCHWIRE_CHECK(busy_);
  if (ok) {
    LATCHWIRE_CHECK(done.result->outcomes.size() == written.size());
    for (size_t i = 0; i < written.size(); ++i) written[i].recorded = done.result->outcomes[i];
    callbacks_.recorded(std::move(written), done.result->stats);
  } else {
    callbacks_.fenced(std::move(written));
  }
  busy_ = !waiting_.empty();
  if (busy_) Flush();
}

}  // namespace latchwire
