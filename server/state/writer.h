// The one way to write: gathers the mutations of many callers into one transaction and one fsync.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/base/mutex.h"
#include "server/store/mutations/mutation.h"
#include "server/store/store.h"

namespace latchwire {

// Told of every transaction, on the thread that steps the writer and before the callers are: so that
// what follows from a write (the configuration's new webhook, the fresh deliveries) is in place when
// its caller goes on. Must be quick.
class CommitObserver {
 public:
  virtual ~CommitObserver() = default;
  // In commit order. Mutations that failed are in the batch, with their errors; when the whole
  // transaction failed, that is all of them. `batch` lives until the call returns.
  virtual void OnCommitted(const WrittenBatch& batch) = 0;
};

struct WriterOptions {
  // Bounds of the queue. Submit refuses what does not fit; outcomes and leases are always accepted:
  // refusing them would only make duplicates, and the engine bounds them itself.
  size_t max_queued_mutations = 4096;
  size_t max_queued_bytes = 64 * 1024 * 1024;
  // Bounds of one transaction, so that no caller waits long behind the others.
  size_t max_batch_bytes = 4 * 1024 * 1024;
  size_t max_batch_events = 4096;
};

// A mutation that its caller gets back, with what became of it: its result, or why it failed.
template <typename M>
struct Written {
  M mutation;
  absl::StatusOr<typename M::Result> result;
};

// A state machine: Submit queues, Step does one transaction. Production steps it from a
// WriterThread, a simulation from its executor.
//
// Events that were stored get their number here and nowhere else: after the commit, before the
// observers and the callers see them. Until then it is 0.
class Writer {
 public:
  Writer(Store* store, WriterOptions options) : store_(store), options_(options) {}

  // Before the first Step. Observers outlive the writer's last Step.
  void AddObserver(CommitObserver* observer) { observers_.push_back(observer); }

  // Queues `mutation` and calls `done(Written<M>)` exactly once, from Step, with the mutation and its
  // result. A full queue is answered by OVERLOADED with a time to retry, a closed writer by
  // SHUTTING_DOWN; both at once, from inside Submit. Thread-safe.
  template <typename M, typename Done>
  void Submit(M mutation, Done done) {
    SubmitAny(std::move(mutation),
              [done = std::move(done)](Mutation input, MutationResult result) mutable {
                done(Written<M>{std::get<M>(std::move(input)), ResultOf<M>(std::move(result))});
              });
  }

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
  using AnyDone = absl::AnyInvocable<void(Mutation, MutationResult)>;

  struct Entry {
    Mutation mutation;
    AnyDone done;
    size_t bytes = 0;
    size_t events = 0;
  };

  void SubmitAny(Mutation mutation, AnyDone done);
  // Takes from the queue what one transaction writes; the bytes it counts for.
  size_t PopBatch(std::vector<Mutation>* mutations, std::vector<AnyDone>* dones);

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
