#include "core/net/asio_executor.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/thread_name.h"

namespace latchwire {

namespace asio = boost::asio;

// Delayed tasks wait in a heap behind one timer, so that a delay costs no timer of its own. The
// heap belongs to the loop's thread.
class AsioExecutor::Loop {
 public:
  explicit Loop(const char* thread_name)
      : thread_name_(thread_name),
        context_(1),
        work_(asio::make_work_guard(context_)),
        timer_(context_) {}

  void Start() {
    running_ = true;
    thread_ = std::thread([this] {
      NameThread(thread_name_);
      thread_id_ = std::this_thread::get_id();
      context_.run();
    });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    asio::post(context_, [this] { context_.stop(); });
    thread_.join();
    running_ = false;
  }

  void PostAfter(absl::Duration delay, Task task) {
    if (delay == absl::InfiniteDuration()) return;  // never
    // A century is as good as never, and keeps the clock's arithmetic from overflowing.
    delay = std::clamp(delay, absl::ZeroDuration(), absl::Hours(24 * 365 * 100));
    const absl::Duration time = SystemClock()->Monotonic() + delay;
    if (IsLoopThread()) {
      Add(time, std::move(task));
    } else {
      asio::post(context_,
                 [this, time, task = std::move(task)]() mutable { Add(time, std::move(task)); });
    }
  }

  bool IsLoopThread() const { return std::this_thread::get_id() == thread_id_.load(); }
  bool IsRunning() const { return running_; }
  asio::io_context& context() { return context_; }

 private:
  struct Delayed {
    absl::Duration time;  // on the monotonic clock
    uint64_t sequence;
    Task task;
  };
  struct Later {
    bool operator()(const Delayed& a, const Delayed& b) const {
      return std::tie(a.time, a.sequence) > std::tie(b.time, b.sequence);
    }
  };

  void Add(absl::Duration time, Task task) {
    heap_.push_back({time, next_sequence_++, std::move(task)});
    std::push_heap(heap_.begin(), heap_.end(), Later());
    if (heap_.front().sequence == next_sequence_ - 1) Arm();
  }

  void Arm() {
    const absl::Duration delay = heap_.front().time - SystemClock()->Monotonic();
    timer_.expires_after(absl::ToChronoNanoseconds(delay));  // cancels the wait before
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) RunDue();
    });
  }

  void RunDue() {
    const absl::Duration now = SystemClock()->Monotonic();
    // Posted and not run here, so that a task that throws or adds tasks leaves the heap alone.
    while (!heap_.empty() && heap_.front().time <= now) {
      std::pop_heap(heap_.begin(), heap_.end(), Later());
      asio::post(context_, std::move(heap_.back().task));
      heap_.pop_back();
    }
    if (!heap_.empty()) Arm();
  }

  const char* const thread_name_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  std::vector<Delayed> heap_;
  uint64_t next_sequence_ = 0;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_{};
  std::atomic<bool> running_{false};
};

AsioExecutor::AsioExecutor(const char* thread_name) : loop_(std::make_unique<Loop>(thread_name)) {}
AsioExecutor::~AsioExecutor() { Stop(); }
void AsioExecutor::Start() { loop_->Start(); }
void AsioExecutor::Stop() { loop_->Stop(); }
void AsioExecutor::Post(Task task) { asio::post(loop_->context(), std::move(task)); }
void AsioExecutor::PostAfter(absl::Duration delay, Task task) {
  loop_->PostAfter(delay, std::move(task));
}
bool AsioExecutor::IsLoopThread() const { return loop_->IsLoopThread(); }
bool AsioExecutor::IsRunning() const { return loop_->IsRunning(); }
asio::io_context& AsioExecutor::context() { return loop_->context(); }

}  // namespace latchwire
