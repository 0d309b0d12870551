// One process of a simulation, as seen by what runs in it: its executor and its network, which can
// be stopped for a while (as by SIGSTOP, or a machine that stalls) and killed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "core/base/executor.h"
#include "core/net/transport.h"

namespace latchwire {

// Not thread-safe, like the simulated executor that it stands on.
class NodeExecutor : public Executor {
 public:
  explicit NodeExecutor(Executor* base) : base_(base), state_(std::make_shared<State>()) {}
  ~NodeExecutor() override { state_->killed = true; }

  void Post(Task task) override { PostAfter(absl::ZeroDuration(), std::move(task)); }
  void PostAfter(absl::Duration delay, Task task) override;

  void Pause() { state_->paused = true; }
  // Runs everything that came due in the meantime, in order.
  void Resume();
  bool paused() const { return state_->paused; }

 private:
  struct State {
    bool paused = false;
    bool killed = false;
    std::deque<Task> stalled;
  };
  static void Run(const std::shared_ptr<State>& state, Task task);

  Executor* const base_;
  const std::shared_ptr<State> state_;
};

// Requests leave at once; answers come when the node runs.
class NodeTransport : public Transport {
 public:
  // `on_send` is called before each request goes to the network.
  NodeTransport(Transport* network, NodeExecutor* executor, std::function<void()> on_send)
      : network_(network),
        inbox_(std::make_shared<NodeExecutor*>(executor)),
        on_send_(std::move(on_send)) {}
  ~NodeTransport() override { *inbox_ = nullptr; }
  void Send(HttpRequest request, Done done) override;

 private:
  Transport* const network_;
  const std::shared_ptr<NodeExecutor*> inbox_;
  const std::function<void()> on_send_;
};

}  // namespace latchwire
