// A real transport on a loop of its own, driven from a test's thread.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "core/net/asio_executor.h"
#include "core/net/beast_transport.h"

namespace latchwire {

class TransportRunner {
 public:
  explicit TransportRunner(BeastTransportOptions options = LoopbackOptions()) {
    transport_ = NewBeastTransport(&executor_, std::move(options));
    executor_.Start();
  }

  // Reaches 127.0.0.0/8 and trusts nobody.
  static BeastTransportOptions LoopbackOptions() {
    BeastTransportOptions options;
    options.allow_networks = ParseIpNetworks("127.0.0.0/8").value();
    options.trust_store_path = "";
    return options;
  }

  // Long enough for a loaded machine; tests about time set their own.
  static HttpRequest Post(std::string url, std::string body = "{}") {
    HttpRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::move(body);
    request.timeout = absl::Seconds(60);
    return request;
  }

  std::future<HttpResult> Start(HttpRequest request) {
    auto promise = std::make_shared<std::promise<HttpResult>>();
    transport_->Send(std::move(request),
                     [promise](HttpResult result) { promise->set_value(std::move(result)); });
    return promise->get_future();
  }
  HttpResult Send(HttpRequest request) { return Start(std::move(request)).get(); }

  AsioExecutor& executor() { return executor_; }
  Transport& transport() { return *transport_; }
  void DestroyTransport() { transport_.reset(); }

 private:
  AsioExecutor executor_{"transport"};
  std::unique_ptr<Transport> transport_;
};

}  // namespace latchwire
