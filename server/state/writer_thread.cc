#include "server/state/writer_thread.h"

#include "core/base/thread_name.h"

namespace latchwire {

WriterThread::WriterThread(Writer* writer)
    : writer_(writer), thread_([writer] {
        NameThread("writer");
        while (writer->WaitForWork()) writer->Step();
      }) {}

WriterThread::~WriterThread() {
  writer_->Close();
  thread_.join();
}

CheckpointThread::CheckpointThread(Store* store, absl::Duration interval)
    : store_(store), interval_(interval), thread_([this] { Run(); }) {}

CheckpointThread::~CheckpointThread() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  thread_.join();
}

void CheckpointThread::Run() {
  NameThread("checkpoint");
  for (;;) {
    {
      MutexLock lock(&mutex_);
      if (!stopping_) stop_.WaitFor(&mutex_, absl::ToChronoNanoseconds(interval_));
      if (stopping_) return;
    }
    // A failure (a full disk) shows in the writes too; the next round tries again.
    store_->Checkpoint().IgnoreError();
  }
}

}  // namespace latchwire
