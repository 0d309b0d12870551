// Records the outcomes of attempts: gathers them while the writer is busy with those before, so that
// under load many share one transaction, and without load none waits.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/base/backoff.h"
#include "core/base/executor.h"
#include "server/state/writer.h"

namespace latchwire {

// An outcome is kept and written again until it is recorded or fenced, however long the store fails.
// One write at a time. All methods and callbacks run on the executor's thread. Outlives the
// executor's and the writer's last task.
class OutcomeRecorder {
 public:
  struct Entry {
    DeliveryOutcome outcome;
    PendingDelivery delivery;    // as it is after the outcome
    std::string operational_id;  // of an event about it, if some webhook asks for one; empty: none
    RecordOutcomes::Recorded recorded = RecordOutcomes::Recorded::kGone;  // once it is committed
  };
  struct Callbacks {
    // The outcomes are committed; see each entry's `recorded`. `stats`: of the webhooks whose counters they
    // moved.
    absl::AnyInvocable<void(std::vector<Entry>, absl::Span<const WebhookStats>)> recorded;
    // None of these was recorded: another server owns (some of) their webhooks by now.
    absl::AnyInvocable<void(std::vector<Entry>)> fenced;
    // Makes events about the outcomes, for the same transaction. Called again if webhooks change
    // before it is written.
    absl::AnyInvocable<std::vector<MatchedEvents>(absl::Span<const Entry>)> operational;
    // This many of those events could not be stored; the outcomes are written without them.
    absl::AnyInvocable<void(size_t)> operational_lost;
  };

  OutcomeRecorder(Executor* executor, Writer* writer, Random* random, Callbacks callbacks);

  void Add(Entry entry);
  // Attempts that are not recorded yet. The owner starts no more while there are too many, so that
  // a full disk stops sending instead of filling memory.
  size_t unrecorded_count() const { return waiting_.size() + writing_.size(); }

 private:
  void Flush();
  void OnDone(Written<RecordOutcomes> written);

  Executor* const executor_;
  Writer* const writer_;
  Callbacks callbacks_;
  Backoff backoff_;
  bool busy_ = false;     // a write is under way, or planned
  int stale_writes_ = 0;  // of what is in writing_
  bool without_operational_ = false;
  std::vector<Entry> waiting_;
  std::vector<Entry> writing_;  // empty unless busy_
};

}  // namespace latchwire
