// The seam under Client: one virtual method per call of the API, messages in and out. Tests give
// Client a mock; decorators add one concern each.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "latchwire/v1/delivery_service.pb.h"
#include "latchwire/v1/event_service.pb.h"
#include "latchwire/v1/webhook_service.pb.h"

namespace latchwire {

// Thread-safe. Calls block. A failure carries ErrorDetails (clients/cpp/error.h).
class Connection {
 public:
  virtual ~Connection() = default;
  virtual absl::StatusOr<v1::Webhook> CreateWebhook(const v1::CreateWebhookRequest& request) = 0;
  virtual absl::StatusOr<v1::Webhook> GetWebhook(const v1::GetWebhookRequest& request) = 0;
  virtual absl::Status DeleteWebhook(const v1::DeleteWebhookRequest& request) = 0;
  virtual absl::StatusOr<v1::SendTestEventResponse> SendTestEvent(
      const v1::SendTestEventRequest& request) = 0;
  virtual absl::StatusOr<v1::Event> PublishEvent(const v1::PublishEventRequest& request) = 0;
  virtual absl::StatusOr<v1::ListDeliveriesResponse> ListDeliveries(
      const v1::ListDeliveriesRequest& request) = 0;
  virtual absl::StatusOr<v1::ListAttemptsResponse> ListAttempts(
      const v1::ListAttemptsRequest& request) = 0;
};

struct ConnectionOptions {
  enum class Tls {
    kAutomatic,  // plain text to loopback addresses, TLS to all others
    kOn,
    kOff,
  };
  Tls tls = Tls::kAutomatic;
  // For a call with all its repetitions.
  absl::Duration timeout = absl::Seconds(30);
};

// To the server at `address` (`host:port`) with the key `<id>.<secret>`. Does not connect yet;
// calls that fail for a reason that passes are repeated within the timeout.
std::shared_ptr<Connection> MakeConnection(const std::string& address, const std::string& key,
                                           const ConnectionOptions& options = {});

// The decorator that MakeConnection puts around the bare stubs. UNAVAILABLE without the server's
// word leaves open whether a call was done, so then only harmless ones are repeated; with the
// server's word nothing was done. The server's RetryInfo is waited for.
struct RetryOptions {
  absl::Duration timeout = absl::Seconds(30);
  Clock* clock = SystemClock();
  Random* random = SystemRandom();
  std::function<void(absl::Duration)> sleep;  // absl::SleepFor by default
};
std::shared_ptr<Connection> MakeRetryConnection(std::shared_ptr<Connection> bare,
                                                RetryOptions options);

// Whether `host:port` is on this machine, by its spelling.
bool IsLoopbackAddress(absl::string_view address);

}  // namespace latchwire
