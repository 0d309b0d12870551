// Follows what other handles on the same database commit: brings the configuration up to date and
// tells of work that they have left.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "server/state/configuration.h"
#include "server/state/read_pool.h"
#include "server/state/writer.h"
#include "server/store/store.h"

namespace latchwire {

// Polls the store's change feed every `interval`, one poll at a time, and at once when a commit of
// our own shows that another handle has changed something: a generation was stale, or was not the
// next one. A poll that fails is made again after the interval.
//
// Thread-safe. The writer's observer until that has stopped stepping; to be stopped before the read
// pool goes.
class ChangeFollower : public CommitObserver, public std::enable_shared_from_this<ChangeFollower> {
 public:
  // Called on a thread of the read pool, with webhooks that another handle has left work for.
  using WorkListener = absl::AnyInvocable<void(std::vector<WebhookKey>)>;

  ChangeFollower(Executor* executor, ReadPool* reads, Configuration* configuration,
                 absl::Duration interval, WorkListener work)
      : executor_(*executor),
        reads_(*reads),
        configuration_(*configuration),
        interval_(interval),
        work_(std::move(work)) {}

  // Makes the first poll after the interval. Once, after the configuration was loaded; the follower
  // was added to the writer's observers after the configuration.
  void Start();
  // Makes no further poll; one that is under way ends by itself.
  void Stop();
  void OnCommitted(const WrittenBatch& batch) override;

 private:
  void PollAfterInterval();
  bool PollSoon();  // false when stopped
  // On the read pool. Until nothing is left.
  void Poll(Store& store);
  absl::Status PollPage(Store& store, bool* more);

  Executor& executor_;
  ReadPool& reads_;
  Configuration& configuration_;
  const absl::Duration interval_;
  WorkListener work_;

  Mutex mutex_;
  bool polling_ ABSL_GUARDED_BY(mutex_) = false;  // a poll is queued or running
  bool again_ ABSL_GUARDED_BY(mutex_) = false;    // asked for while polling
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  ChangeCursor cursor_ = 0;  // of the poll that runs
};

}  // namespace latchwire
