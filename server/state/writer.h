// The one way to write: gathers the mutations of many callers into one transaction and one fsync.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "core/base/mutex.h"
#include "server/store/mutation.h"
#include "server/store/store.h"

namespace latchwire {

// Told of every commit, on the thread that steps the writer, before the callers are: so that what
// follows from a write (the configuration's new webhook, the fresh deliveries) is in place when its
// caller goes on. Must be quick.
class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  // In commit order; those whose own status is not OK are among them.
  virtual void OnCommitted(absl::Span<const Mutation> mutations) = 0;
};

struct WriterOptions {
  // Bounds of the queue. Submit refuses what does not fit; outcomes and leases are always taken,
  // since refusing them would only make duplicates, and the scheduler bounds them itself.
  size_t max_queued_mutations = 4096;
  size_t max_queued_bytes = 64 * 1024 * 1024;
  // Bounds of one transaction, so that no caller waits long behind the others.
  size_t max_batch_bytes = 4 * 1024 * 1024;
  size_t max_batch_events = 4096;
};

// A state machine: Submit queues, Step does one transaction. Production steps it from a
// WriterThread, a simulation from its executor.
class Writer {
 public:
  using Done = absl::AnyInvocable<void(Mutation)>;

  Writer(Store* store, WriterOptions options) : store_(store), options_(options) {}

  // Before the first Step. Observers outlive the writer's last Step.
  void AddObserver(CommitObserver* observer) { observers_.push_back(observer); }

  // Thread-safe. Calls `done` exactly once, from Step (or from Close), with the mutation and its
  // results. A full queue is answered by OVERLOADED with a time to retry, a closed writer by
  // SHUTTING_DOWN; both at once, from inside Submit.
  void Submit(Mutation mutation, Done done);

  // Writes what is queued, up to the bounds of a batch, and calls back. False when nothing was
  // queued.
  bool Step();
  // Blocks until something is queued or Close was called; false when closed and empty.
  bool WaitForWork();
  // Takes nothing more; what is queued is still written by Step.
  void Close();

  // Called when something was queued and nothing was before; for executors that step the writer.
  // Before the first Submit.
  void SetWake(absl::AnyInvocable<void()> wake) { wake_ = std::move(wake); }

  size_t queued_bytes() const;
  bool IsFull() const;  // Submit refuses even the smallest mutation

 private:
  struct Entry {
    Mutation mutation;
    Done done;
    size_t bytes = 0;
    size_t events = 0;
  };

  Store* const store_;
  const WriterOptions options_;
  std::vector<CommitObserver*> observers_;
  absl::AnyInvocable<void()> wake_;

  mutable Mutex mutex_;
  CondVar has_work_;
  std::deque<Entry> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace latchwire
