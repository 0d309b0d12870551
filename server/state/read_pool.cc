#include "server/state/read_pool.h"

#include <utility>

#include "core/base/thread_name.h"

namespace latchwire {

ThreadReadPool::ThreadReadPool(Store* store, int threads, size_t max_queued)
    : store_(store), max_queued_(max_queued) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

ThreadReadPool::~ThreadReadPool() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    has_work_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadReadPool::Submit(Read read) {
  MutexLock lock(&mutex_);
  if (queue_.size() >= max_queued_) return false;
  queue_.push_back(std::move(read));
  has_work_.NotifyOne();
  return true;
}

void ThreadReadPool::SubmitAlways(Read read) {
  MutexLock lock(&mutex_);
  queue_.push_back(std::move(read));
  has_work_.NotifyOne();
}

size_t ThreadReadPool::queued_count() const {
  MutexLock lock(&mutex_);
  return queue_.size();
}

void ThreadReadPool::Run() {
  NameThread("reader");
  for (;;) {
    Read read;
    {
      MutexLock lock(&mutex_);
      while (queue_.empty() && !closing_) has_work_.Wait(&mutex_);
      if (queue_.empty()) return;
      read = std::move(queue_.front());
      queue_.pop_front();
    }
    read(*store_);
  }
}

}  // namespace latchwire
