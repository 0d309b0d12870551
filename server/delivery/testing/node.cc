#include "server/delivery/testing/node.h"

namespace latchwire {

void NodeExecutor::Run(const std::shared_ptr<State>& state, Task task) {
  if (state->killed) return;
  if (state->paused) {
    state->stalled.push_back(std::move(task));
  } else {
    task();
  }
}

void NodeExecutor::PostAfter(absl::Duration delay, Task task) {
  base_->PostAfter(
      delay, [state = state_, task = std::move(task)]() mutable { Run(state, std::move(task)); });
}

void NodeExecutor::Resume() {
  state_->paused = false;
  for (Task& task : std::exchange(state_->stalled, {})) Post(std::move(task));
}

void NodeTransport::Send(HttpRequest request, Done done) {
  on_send_();
  network_->Send(std::move(request),
                 [inbox = inbox_, done = std::move(done)](HttpResult result) mutable {
                   if (*inbox == nullptr) return;  // killed
                   (*inbox)->Post([done = std::move(done), result = std::move(result)]() mutable {
                     done(std::move(result));
                   });
                 });
}

}  // namespace latchwire
