// The production Executor: an Asio event loop with one thread of its own.
#pragma once

#include <memory>

#include "core/base/executor.h"

namespace boost::asio {
class io_context;
}

namespace latchwire {

class AsioExecutor : public Executor {
 public:
  // The thread's name says what runs on it, in debuggers, top and `make bench`: a constant of at
  // most kMaxThreadNameLength bytes (core/base/thread_name.h).
  explicit AsioExecutor(const char* thread_name);
  // Stops if that was not done. Everything that runs on the executor is destroyed before it.
  ~AsioExecutor() override;

  // Starts the thread. May be called once.
  void Start();
  // Runs what was posted before, drops what is delayed, and joins the thread. Later posts are
  // accepted and never run. Not from inside a task; harmless when called again or before Start.
  void Stop();

  void Post(Task task) override;
  void PostAfter(absl::Duration delay, Task task) override;

  // True inside a task.
  bool IsLoopThread() const;
  // True from Start until Stop has joined: whether a posted task will run.
  bool IsRunning() const;
  // For code of core/net alone.
  boost::asio::io_context& context();

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
};

}  // namespace latchwire
