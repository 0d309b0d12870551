// Where reads run, so that a slow one blocks neither the network nor the writer.
#pragma once

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/base/mutex.h"
#include "server/store/store.h"

namespace latchwire {

// Thread-safe.
class ReadPool {
 public:
  using Read = absl::AnyInvocable<void(Store&)>;

  virtual ~ReadPool() = default;
  // False when the queue is full (`read` is dropped without being called): answer OVERLOADED.
  [[nodiscard]] virtual bool Submit(Read read) = 0;
  // The same, but always taken: for the scheduler's own loads, which it bounds itself (one per
  // webhook, a few at a time).
  virtual void SubmitAlways(Read read) = 0;
};

// Runs reads in the order submitted on `threads` threads.
class ThreadReadPool : public ReadPool {
 public:
  ThreadReadPool(Store* store, int threads, size_t max_queued);
  ~ThreadReadPool() override;  // finishes what is queued

  bool Submit(Read read) override;
  void SubmitAlways(Read read) override;

  size_t queued_count() const;
  bool IsFull() const { return queued_count() >= max_queued_; }  // Submit refuses

 private:
  void Run();

  Store* const store_;
  const size_t max_queued_;
  mutable Mutex mutex_;
  CondVar has_work_;
  std::deque<Read> queue_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace latchwire
