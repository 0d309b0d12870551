// A Transport that answers by script, for tests of what stands above the seam.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/executor.h"
#include "core/net/transport.h"

namespace latchwire {

// Not thread-safe: Send is called from the executor's thread (in simulated time there is only one).
// On a SimulatedExecutor every run of the same calls is the same. Answers come on the executor; the
// fake must outlive them.
class FakeTransport : public Transport {
 public:
  struct Reply {
    HttpResult result;
    // How long the exchange takes. Longer than the request's timeout makes it fail with kTimeout at
    // the timeout, as the real one does; absl::InfiniteDuration() is a receiver that never answers.
    absl::Duration delay;
  };
  using Handler = std::function<Reply(const HttpRequest&)>;

  // Answers 200 at once until told otherwise.
  explicit FakeTransport(Executor* executor) : executor_(executor) {}

  // Decides every answer from now on that no queued reply takes. The handler may count, choose by
  // URL, or look at the body.
  void SetHandler(Handler handler) { handler_ = std::move(handler); }
  // Answers the next request that has no queued reply before it; in the order queued.
  void QueueReply(Reply reply) { queued_.push_back(std::move(reply)); }

  void Send(HttpRequest request, Done done) override;

  // Every request so far, in the order sent.
  const std::vector<HttpRequest>& requests() const { return requests_; }
  void ClearRequests() { requests_.clear(); }
  // Sent and not yet answered.
  int in_flight() const { return in_flight_; }
  int max_in_flight() const { return max_in_flight_; }

  static Reply Status(int http_status, absl::Duration delay = absl::ZeroDuration(),
                      std::string body = "", std::string retry_after = "");
  static Reply Error(TransportError error, std::string detail = "",
                     absl::Duration delay = absl::ZeroDuration());
  static Reply Never() { return {HttpResult(), absl::InfiniteDuration()}; }

 private:
  Executor* const executor_;
  Handler handler_;
  std::deque<Reply> queued_;
  std::vector<HttpRequest> requests_;
  int in_flight_ = 0;
  int max_in_flight_ = 0;
};

// The first value of a header, matched in any case; nullptr when there is none.
const std::string* FindHeader(const HttpRequest& request, absl::string_view name);

}  // namespace latchwire
