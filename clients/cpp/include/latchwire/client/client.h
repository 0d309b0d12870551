// Latchwire for C++.
//
//   #include "latchwire/client/client.h"
//   #include "latchwire/client/make_connection.h"
//
//   latchwire::client::Client client(
//       latchwire::client::MakeConnection("127.0.0.1:50051", "<id>.<secret>"));
//   absl::StatusOr<latchwire::v1::Webhook> webhook =
//       client.CreateWebhook("https://example.com/hook", {"door.*"});
//
// At the receiving end see verify.h, in tests mock_connection.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "latchwire/client/call_options.h"
#include "latchwire/client/connection.h"

namespace latchwire::client {

// How many results a list method returns unless it is told otherwise.
inline constexpr size_t kDefaultMaxResults = 1000;

// Every method of the API with its request message, under the API's name; connection.h says what it
// does. Beside it stand forms for the usual case.
//
// Thread-safe, and cheap to copy: copies share the connection. Calls block. A failure carries
// ErrorDetails (error.h). List methods fetch page after page, up to `max_results` in all; the
// request's `page_size` is the size of a page, and its `page_token` where to begin.
class Client {
 public:
  explicit Client(std::shared_ptr<Connection> connection);

  // Webhooks. A name is `webhooks/{uuid}` or `webhooks/{uid}`.

  // Returns the webhook with its secret, which no other call returns. No pattern means every event.
  // Id and, for the format Standard Webhooks, secret are chosen here when they are empty, so that
  // the call can be retried when its answer was lost.
  absl::StatusOr<v1::Webhook> CreateWebhook(absl::string_view url,
                                            const std::vector<std::string>& type_patterns = {},
                                            const CallOptions& options = {}) const;
  absl::StatusOr<v1::Webhook> CreateWebhook(v1::CreateWebhookRequest request,
                                            const CallOptions& options = {}) const;
  absl::StatusOr<v1::Webhook> GetWebhook(absl::string_view name,
                                         const CallOptions& options = {}) const;
  absl::StatusOr<v1::Webhook> GetWebhook(const v1::GetWebhookRequest& request,
                                         const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::Webhook>> ListWebhooks(v1::ListWebhooksRequest request = {},
                                                        size_t max_results = kDefaultMaxResults,
                                                        const CallOptions& options = {}) const;
  // Changes the named fields of the webhook `webhook.name()`; with its etag, only if nobody else
  // changed it since it was read (ETAG_MISMATCH). INVALID_ARGUMENT without a field.
  absl::StatusOr<v1::Webhook> UpdateWebhook(v1::Webhook webhook,
                                            const std::vector<std::string>& fields,
                                            const CallOptions& options = {}) const;
  absl::StatusOr<v1::Webhook> UpdateWebhook(const v1::UpdateWebhookRequest& request,
                                            const CallOptions& options = {}) const;
  absl::Status DeleteWebhook(absl::string_view name, const CallOptions& options = {}) const;
  absl::Status DeleteWebhook(const v1::DeleteWebhookRequest& request,
                             const CallOptions& options = {}) const;
  // Waits for the receiver, which may take up to 60 s: longer than the usual timeout.
  absl::StatusOr<v1::SendTestEventResponse> SendTestEvent(absl::string_view name,
                                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::SendTestEventResponse> SendTestEvent(const v1::SendTestEventRequest& request,
                                                          const CallOptions& options = {}) const;

  // Events. An event without an id gets a UUIDv7 here, before the first try, so that it is stored
  // once however often the call is retried.

  // Returns the event after the server has stored it durably. `json` is kept byte for byte.
  absl::StatusOr<v1::Event> Publish(absl::string_view type, absl::string_view json,
                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::Event> Publish(v1::Event event, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Event> PublishEvent(v1::PublishEventRequest request,
                                         const CallOptions& options = {}) const;
  // Up to 512 events, all or none.
  absl::StatusOr<std::vector<v1::Event>> PublishBatch(std::vector<v1::Event> events,
                                                      const CallOptions& options = {}) const;
  absl::StatusOr<v1::BatchPublishEventsResponse> BatchPublishEvents(
      v1::BatchPublishEventsRequest request, const CallOptions& options = {}) const;
  // `events/{id}` or `events/{number}`.
  absl::StatusOr<v1::Event> GetEvent(absl::string_view name, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request,
                                     const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::Event>> ListEvents(v1::ListEventsRequest request = {},
                                                    size_t max_results = kDefaultMaxResults,
                                                    const CallOptions& options = {}) const;

  // Deliveries and recovery jobs.

  absl::StatusOr<v1::Delivery> GetDelivery(absl::string_view name,
                                           const CallOptions& options = {}) const;
  absl::StatusOr<v1::Delivery> GetDelivery(const v1::GetDeliveryRequest& request,
                                           const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::Delivery>> ListDeliveries(v1::ListDeliveriesRequest request,
                                                           size_t max_results = kDefaultMaxResults,
                                                           const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::Attempt>> ListAttempts(absl::string_view delivery,
                                                        size_t max_results = kDefaultMaxResults,
                                                        const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::Attempt>> ListAttempts(v1::ListAttemptsRequest request,
                                                        size_t max_results = kDefaultMaxResults,
                                                        const CallOptions& options = {}) const;
  absl::StatusOr<v1::Delivery> RetryDelivery(absl::string_view name,
                                             const CallOptions& options = {}) const;
  absl::StatusOr<v1::Delivery> RetryDelivery(const v1::RetryDeliveryRequest& request,
                                             const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecoveryJob> CreateRecoveryJob(v1::RecoveryJob job,
                                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecoveryJob> CreateRecoveryJob(const v1::CreateRecoveryJobRequest& request,
                                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecoveryJob> GetRecoveryJob(absl::string_view name,
                                                 const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecoveryJob> GetRecoveryJob(const v1::GetRecoveryJobRequest& request,
                                                 const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::RecoveryJob>> ListRecoveryJobs(
      v1::ListRecoveryJobsRequest request = {}, size_t max_results = kDefaultMaxResults,
      const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecoveryJob> CancelRecoveryJob(absl::string_view name,
                                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::RecoveryJob> CancelRecoveryJob(const v1::CancelRecoveryJobRequest& request,
                                                    const CallOptions& options = {}) const;

  // Event types that webhooks can subscribe to. A name is `eventTypes/{type}`.

  absl::StatusOr<v1::EventType> GetEventType(absl::string_view name,
                                             const CallOptions& options = {}) const;
  absl::StatusOr<v1::EventType> GetEventType(const v1::GetEventTypeRequest& request,
                                             const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::EventType>> ListEventTypes(v1::ListEventTypesRequest request = {},
                                                            size_t max_results = kDefaultMaxResults,
                                                            const CallOptions& options = {}) const;

  // Tenants, for operators. A name is `tenants/{number}`; `tenants/-` is the key's own, which any
  // viewer may read.

  absl::StatusOr<v1::Tenant> CreateTenant(v1::Tenant tenant, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Tenant> CreateTenant(const v1::CreateTenantRequest& request,
                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::Tenant> GetTenant(absl::string_view name = "tenants/-",
                                       const CallOptions& options = {}) const;
  absl::StatusOr<v1::Tenant> GetTenant(const v1::GetTenantRequest& request,
                                       const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::Tenant>> ListTenants(v1::ListTenantsRequest request = {},
                                                      size_t max_results = kDefaultMaxResults,
                                                      const CallOptions& options = {}) const;
  // As UpdateWebhook.
  absl::StatusOr<v1::Tenant> UpdateTenant(v1::Tenant tenant, const std::vector<std::string>& fields,
                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::Tenant> UpdateTenant(const v1::UpdateTenantRequest& request,
                                          const CallOptions& options = {}) const;

  // API keys, for admins and operators.

  // Returns the key with its token, which no other call returns.
  absl::StatusOr<v1::ApiKey> CreateApiKey(v1::ApiKey key, const CallOptions& options = {}) const;
  absl::StatusOr<v1::ApiKey> CreateApiKey(const v1::CreateApiKeyRequest& request,
                                          const CallOptions& options = {}) const;
  absl::StatusOr<std::vector<v1::ApiKey>> ListApiKeys(v1::ListApiKeysRequest request = {},
                                                      size_t max_results = kDefaultMaxResults,
                                                      const CallOptions& options = {}) const;
  absl::Status DeleteApiKey(absl::string_view name, const CallOptions& options = {}) const;
  absl::Status DeleteApiKey(const v1::DeleteApiKeyRequest& request,
                            const CallOptions& options = {}) const;

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace latchwire::client
