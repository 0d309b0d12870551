// Latchwire for C++.
//
//   latchwire::Client client(latchwire::MakeConnection("127.0.0.1:50051", "<id>.<secret>"));
//   absl::StatusOr<latchwire::v1::Webhook> webhook = client.CreateWebhook(
//       "https://example.com/hook", {"door.*"});
//
// At the receiving end see clients/cpp/verify.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/connection.h"

namespace latchwire {

// Thread-safe, cheap to copy. A failure carries ErrorDetails (clients/cpp/error.h).
class Client {
 public:
  explicit Client(std::shared_ptr<Connection> connection);

  // Returns the webhook with its secret, which no other call returns. No pattern means every event.
  absl::StatusOr<v1::Webhook> CreateWebhook(
      absl::string_view url, const std::vector<std::string>& type_patterns = {}) const;
  // The same with every field. Secret (of the Standard Webhooks format) and id are chosen here when
  // they are empty, so that the call can be repeated when its answer was lost.
  absl::StatusOr<v1::Webhook> CreateWebhook(v1::CreateWebhookRequest request) const;
  absl::StatusOr<v1::Webhook> GetWebhook(absl::string_view name) const;
  absl::Status DeleteWebhook(absl::string_view name) const;
  absl::StatusOr<v1::SendTestEventResponse> SendTestEvent(absl::string_view name) const;

  // Stores an event durably. `json` is kept byte for byte.
  absl::StatusOr<v1::Event> Publish(absl::string_view type, absl::string_view json) const;
  // The same with every field. An empty id becomes a UUIDv7 before the first try, so that the event
  // is stored once however often the call is repeated.
  absl::StatusOr<v1::Event> Publish(v1::Event event) const;

  // All of them, up to `max_results`, page by page.
  absl::StatusOr<std::vector<v1::Delivery>> ListDeliveries(v1::ListDeliveriesRequest request,
                                                           size_t max_results = 1000) const;
  absl::StatusOr<std::vector<v1::Attempt>> ListAttempts(absl::string_view delivery,
                                                        size_t max_results = 1000) const;

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace latchwire
