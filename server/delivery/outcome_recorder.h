// Gathers outcomes while the writer is busy with those before, so that under load many share one
// transaction, and without load none waits.
#pragma once

#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/base/backoff.h"
#include "core/base/executor.h"
#include "server/state/writer.h"

namespace latchwire {

// Lives on the executor's thread.
class OutcomeRecorder {
 public:
  // The outcome, and the delivery as it is after it.
  struct Entry {
    DeliveryOutcome outcome;
    PendingDelivery delivery;
    std::string operational_id;  // of the event that tells of it, should anybody ask for one
  };
  struct Callbacks {
    // Committed; look at each outcome's result. With the counters of the webhooks they moved.
    absl::AnyInvocable<void(std::vector<Entry>, absl::Span<const WebhookStats>)> recorded;
    // Another server owns (some of) these webhooks by now: nothing of this was recorded.
    absl::AnyInvocable<void(std::vector<Entry>)> fenced;
    // Events about them, for the same transaction; asked again when webhooks change before that.
    absl::AnyInvocable<std::vector<AppendEvents>(absl::Span<const Entry>)> operational;
    // So many of those could not be stored; the outcomes go without them.
    absl::AnyInvocable<void(size_t)> operational_lost;
  };

  // Outlives the executor's and the writer's last task.
  OutcomeRecorder(Executor* executor, Writer* writer, Random* random, Callbacks callbacks);

  void Add(Entry entry);
  // Attempts that are not recorded yet. The owner sends no more while there are too many, which is
  // how a full disk stops sending instead of filling memory.
  size_t unrecorded_count() const { return waiting_.size() + writing_.size(); }

 private:
  void Flush();
  void OnDone(RecordOutcomes done);

  Executor* const executor_;
  Writer* const writer_;
  Callbacks callbacks_;
  Backoff backoff_;
  bool busy_ = false;
  int stale_writes_ = 0;  // of what is in writing_
  bool without_operational_ = false;
  std::vector<Entry> waiting_;
  std::vector<Entry> writing_;
};

}  // namespace latchwire
