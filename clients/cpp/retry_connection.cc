#include <utility>

#include "absl/time/clock.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/error.h"
#include "core/base/backoff.h"

namespace latchwire {
namespace {

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

class RetryConnection : public Connection {
 public:
  RetryConnection(std::shared_ptr<Connection> bare, RetryOptions options)
      : bare_(std::move(bare)), options_(std::move(options)) {
    if (!options_.sleep) options_.sleep = [](absl::Duration delay) { absl::SleepFor(delay); };
  }

  // Client gives every webhook and event an id, which makes these two harmless to repeat.
  absl::StatusOr<v1::Webhook> CreateWebhook(const v1::CreateWebhookRequest& request) override {
    return Repeat(!request.webhook_id().empty(), [&] { return bare_->CreateWebhook(request); });
  }
  absl::StatusOr<v1::Event> PublishEvent(const v1::PublishEventRequest& request) override {
    return Repeat(!request.event().id().empty(), [&] { return bare_->PublishEvent(request); });
  }
  absl::StatusOr<v1::Webhook> GetWebhook(const v1::GetWebhookRequest& request) override {
    return Repeat(true, [&] { return bare_->GetWebhook(request); });
  }
  absl::Status DeleteWebhook(const v1::DeleteWebhookRequest& request) override {
    return Repeat(false, [&] { return bare_->DeleteWebhook(request); });
  }
  absl::StatusOr<v1::SendTestEventResponse> SendTestEvent(
      const v1::SendTestEventRequest& request) override {
    return Repeat(false, [&] { return bare_->SendTestEvent(request); });
  }
  absl::StatusOr<v1::ListDeliveriesResponse> ListDeliveries(
      const v1::ListDeliveriesRequest& request) override {
    return Repeat(true, [&] { return bare_->ListDeliveries(request); });
  }
  absl::StatusOr<v1::ListAttemptsResponse> ListAttempts(
      const v1::ListAttemptsRequest& request) override {
    return Repeat(true, [&] { return bare_->ListAttempts(request); });
  }

 private:
  template <typename Function>
  auto Repeat(bool harmless, Function function) const -> decltype(function()) {
    const absl::Duration deadline = options_.clock->Monotonic() + options_.timeout;
    Backoff backoff(absl::Milliseconds(100), absl::Seconds(5), options_.random);
    for (;;) {
      auto result = function();
      const absl::Status& status = StatusOf(result);
      if (status.ok()) return result;
      const ErrorDetails details = DetailsOf(status);
      const bool passes = absl::IsUnavailable(status) ? harmless || !details.reason.empty()
                                                      : details.retry_delay.has_value();
      const absl::Duration wait =
          backoff.Next() + details.retry_delay.value_or(absl::ZeroDuration());
      if (!passes || options_.clock->Monotonic() + wait >= deadline) return result;
      options_.sleep(wait);
    }
  }

  const std::shared_ptr<Connection> bare_;
  RetryOptions options_;
};

}  // namespace

std::shared_ptr<Connection> MakeRetryConnection(std::shared_ptr<Connection> bare,
                                                RetryOptions options) {
  return std::make_shared<RetryConnection>(std::move(bare), std::move(options));
}

}  // namespace latchwire
