// The threads that drive a writer and its store in production.
#pragma once

#include <thread>

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "server/state/writer.h"
#include "server/store/store.h"

namespace latchwire {

// Steps `writer` until it is closed and empty.
class WriterThread {
 public:
  explicit WriterThread(Writer* writer);
  ~WriterThread();  // closes the writer and waits until what was queued is written

 private:
  Writer* const writer_;
  std::thread thread_;
};

// Calls Store::Checkpoint again and again, away from COMMIT, where it would cost everybody's
// latency.
class CheckpointThread {
 public:
  CheckpointThread(Store* store, absl::Duration interval);
  ~CheckpointThread();

 private:
  void Run();

  Store* const store_;
  const absl::Duration interval_;
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace latchwire
