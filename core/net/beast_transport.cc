#include "core/net/beast_transport.h"

#include <boost/asio/post.hpp>
#include <future>
#include <utility>

#include "core/net/http_engine.h"

namespace latchwire {
namespace {

class BeastTransport : public Transport {
 public:
  BeastTransport(AsioExecutor* executor, BeastTransportOptions options)
      : executor_(executor), engine_(std::make_shared<HttpEngine>(executor, std::move(options))) {}

  // The engine is destroyed at the top of the loop, where none of its own code is running.
  ~BeastTransport() override {
    if (!executor_->IsRunning()) {
      engine_->Shutdown();
      return;
    }
    if (executor_->IsLoopThread()) {
      engine_->Shutdown();
      boost::asio::post(executor_->context(), [engine = std::move(engine_)] {});
      return;
    }
    std::promise<void> gone;
    boost::asio::post(executor_->context(), [this, &gone] {
      engine_->Shutdown();  // callbacks may still send
      engine_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  void Send(HttpRequest request, Done done) override {
    engine_->Accept(std::move(request), std::move(done));
  }

 private:
  AsioExecutor* const executor_;
  std::shared_ptr<HttpEngine> engine_;
};

}  // namespace

std::unique_ptr<Transport> NewBeastTransport(AsioExecutor* executor,
                                             BeastTransportOptions options) {
  return std::make_unique<BeastTransport>(executor, std::move(options));
}

}  // namespace latchwire
