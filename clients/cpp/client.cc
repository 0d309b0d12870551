#include "latchwire/client/client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/crypto.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "latchwire/client/error.h"

namespace latchwire::client {
namespace {

template <typename Request>
Request Named(absl::string_view name) {
  Request request;
  request.set_name(std::string(name));
  return request;
}

// Follows the page tokens. `list` makes one call; `items` is the response's repeated field.
template <typename Request, typename Response, typename Item>
absl::StatusOr<std::vector<Item>> Collect(
    Connection& connection, Request request, size_t max_results, const CallOptions& options,
    absl::StatusOr<Response> (Connection::*list)(const Request&, const CallOptions&),
    google::protobuf::RepeatedPtrField<Item>* (Response::*items)()) {
  std::vector<Item> all;
  do {
    absl::StatusOr<Response> page = (connection.*list)(request, options);
    if (!page.ok()) return page.status();
    for (Item& item : *((*page).*items)()) {
      if (all.size() == max_results) return all;
      all.push_back(std::move(item));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && all.size() < max_results);
  return all;
}

template <typename Request>
void SetMask(const std::vector<std::string>& fields, Request* request) {
  for (const std::string& field : fields) request->mutable_update_mask()->add_paths(field);
}

std::string MakeStandardSecret() {
  std::string key(32, '\0');
  SystemRandom()->Fill(key.data(), key.size());
  return absl::StrCat("whsec_", Base64Encode(key));
}

void GiveId(v1::Event* event) {
  if (!event->id().empty()) return;
  event->set_id(Uuid::MakeV7(SystemClock()->Now(), SystemRandom()).ToString());
}

}  // namespace

Client::Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {
  LATCHWIRE_CHECK(connection_ != nullptr);
}

absl::StatusOr<v1::Webhook> Client::CreateWebhook(absl::string_view url,
                                                  const std::vector<std::string>& type_patterns,
                                                  const CallOptions& options) const {
  v1::CreateWebhookRequest request;
  request.mutable_webhook()->set_url(std::string(url));
  for (const std::string& pattern : type_patterns) {
    request.mutable_webhook()->add_any_of()->set_type_pattern(pattern);
  }
  return CreateWebhook(std::move(request), options);
}

absl::StatusOr<v1::Webhook> Client::CreateWebhook(v1::CreateWebhookRequest request,
                                                  const CallOptions& options) const {
  const bool chosen_here = request.webhook_id().empty();
  if (chosen_here) request.set_webhook_id(Uuid::MakeV4(SystemRandom()).ToString());
  const bool standard = request.webhook().format() == v1::Webhook::FORMAT_UNSPECIFIED ||
                        request.webhook().format() == v1::Webhook::FORMAT_STANDARD_WEBHOOKS;
  if (standard && request.webhook().secret().empty()) {
    request.mutable_webhook()->set_secret(MakeStandardSecret());
  }
  absl::StatusOr<v1::Webhook> created = connection_->CreateWebhook(request, options);
  if (created.ok() || !chosen_here ||
      DetailsOf(created.status()).reason != ReasonName(v1::ERROR_REASON_WEBHOOK_ALREADY_EXISTS)) {
    return created;
  }
  // Nobody else can have chosen this id: an earlier try had been done and its answer lost.
  created = GetWebhook(absl::StrCat("webhooks/", request.webhook_id()), options);
  if (created.ok()) created->set_secret(request.webhook().secret());
  return created;
}

absl::StatusOr<v1::Webhook> Client::GetWebhook(absl::string_view name,
                                               const CallOptions& options) const {
  return GetWebhook(Named<v1::GetWebhookRequest>(name), options);
}

absl::StatusOr<v1::Webhook> Client::GetWebhook(const v1::GetWebhookRequest& request,
                                               const CallOptions& options) const {
  return connection_->GetWebhook(request, options);
}

absl::StatusOr<std::vector<v1::Webhook>> Client::ListWebhooks(v1::ListWebhooksRequest request,
                                                              size_t max_results,
                                                              const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options, &Connection::ListWebhooks,
                 &v1::ListWebhooksResponse::mutable_webhooks);
}

absl::StatusOr<v1::Webhook> Client::UpdateWebhook(v1::Webhook webhook,
                                                  const std::vector<std::string>& fields,
                                                  const CallOptions& options) const {
  if (fields.empty()) return absl::InvalidArgumentError("UpdateWebhook: no field to change");
  v1::UpdateWebhookRequest request;
  *request.mutable_webhook() = std::move(webhook);
  SetMask(fields, &request);
  return UpdateWebhook(request, options);
}

absl::StatusOr<v1::Webhook> Client::UpdateWebhook(const v1::UpdateWebhookRequest& request,
                                                  const CallOptions& options) const {
  return connection_->UpdateWebhook(request, options);
}

absl::Status Client::DeleteWebhook(absl::string_view name, const CallOptions& options) const {
  return DeleteWebhook(Named<v1::DeleteWebhookRequest>(name), options);
}

absl::Status Client::DeleteWebhook(const v1::DeleteWebhookRequest& request,
                                   const CallOptions& options) const {
  return connection_->DeleteWebhook(request, options);
}

absl::StatusOr<v1::SendTestEventResponse> Client::SendTestEvent(absl::string_view name,
                                                                const CallOptions& options) const {
  return SendTestEvent(Named<v1::SendTestEventRequest>(name), options);
}

absl::StatusOr<v1::SendTestEventResponse> Client::SendTestEvent(
    const v1::SendTestEventRequest& request, const CallOptions& options) const {
  return connection_->SendTestEvent(request, options);
}

absl::StatusOr<v1::Event> Client::Publish(absl::string_view type, absl::string_view json,
                                          const CallOptions& options) const {
  v1::Event event;
  event.set_type(std::string(type));
  event.set_json(std::string(json));
  return Publish(std::move(event), options);
}

absl::StatusOr<v1::Event> Client::Publish(v1::Event event, const CallOptions& options) const {
  v1::PublishEventRequest request;
  *request.mutable_event() = std::move(event);
  return PublishEvent(std::move(request), options);
}

absl::StatusOr<v1::Event> Client::PublishEvent(v1::PublishEventRequest request,
                                               const CallOptions& options) const {
  GiveId(request.mutable_event());
  return connection_->PublishEvent(request, options);
}

absl::StatusOr<std::vector<v1::Event>> Client::PublishBatch(std::vector<v1::Event> events,
                                                            const CallOptions& options) const {
  v1::BatchPublishEventsRequest request;
  for (v1::Event& event : events) *request.add_events() = std::move(event);
  absl::StatusOr<v1::BatchPublishEventsResponse> response =
      BatchPublishEvents(std::move(request), options);
  if (!response.ok()) return response.status();
  return std::vector<v1::Event>(response->events().begin(), response->events().end());
}

absl::StatusOr<v1::BatchPublishEventsResponse> Client::BatchPublishEvents(
    v1::BatchPublishEventsRequest request, const CallOptions& options) const {
  for (v1::Event& event : *request.mutable_events()) GiveId(&event);
  return connection_->BatchPublishEvents(request, options);
}

absl::StatusOr<v1::Event> Client::GetEvent(absl::string_view name,
                                           const CallOptions& options) const {
  return GetEvent(Named<v1::GetEventRequest>(name), options);
}

absl::StatusOr<v1::Event> Client::GetEvent(const v1::GetEventRequest& request,
                                           const CallOptions& options) const {
  return connection_->GetEvent(request, options);
}

absl::StatusOr<std::vector<v1::Event>> Client::ListEvents(v1::ListEventsRequest request,
                                                          size_t max_results,
                                                          const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options, &Connection::ListEvents,
                 &v1::ListEventsResponse::mutable_events);
}

absl::StatusOr<v1::Delivery> Client::GetDelivery(absl::string_view name,
                                                 const CallOptions& options) const {
  return GetDelivery(Named<v1::GetDeliveryRequest>(name), options);
}

absl::StatusOr<v1::Delivery> Client::GetDelivery(const v1::GetDeliveryRequest& request,
                                                 const CallOptions& options) const {
  return connection_->GetDelivery(request, options);
}

absl::StatusOr<std::vector<v1::Delivery>> Client::ListDeliveries(v1::ListDeliveriesRequest request,
                                                                 size_t max_results,
                                                                 const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options,
                 &Connection::ListDeliveries, &v1::ListDeliveriesResponse::mutable_deliveries);
}

absl::StatusOr<std::vector<v1::Attempt>> Client::ListAttempts(absl::string_view delivery,
                                                              size_t max_results,
                                                              const CallOptions& options) const {
  v1::ListAttemptsRequest request;
  request.set_parent(std::string(delivery));
  return ListAttempts(std::move(request), max_results, options);
}

absl::StatusOr<std::vector<v1::Attempt>> Client::ListAttempts(v1::ListAttemptsRequest request,
                                                              size_t max_results,
                                                              const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options, &Connection::ListAttempts,
                 &v1::ListAttemptsResponse::mutable_attempts);
}

absl::StatusOr<v1::Delivery> Client::RetryDelivery(absl::string_view name,
                                                   const CallOptions& options) const {
  return RetryDelivery(Named<v1::RetryDeliveryRequest>(name), options);
}

absl::StatusOr<v1::Delivery> Client::RetryDelivery(const v1::RetryDeliveryRequest& request,
                                                   const CallOptions& options) const {
  return connection_->RetryDelivery(request, options);
}

absl::StatusOr<v1::RecoveryJob> Client::CreateRecoveryJob(v1::RecoveryJob job,
                                                          const CallOptions& options) const {
  v1::CreateRecoveryJobRequest request;
  *request.mutable_recovery_job() = std::move(job);
  return CreateRecoveryJob(request, options);
}

absl::StatusOr<v1::RecoveryJob> Client::CreateRecoveryJob(
    const v1::CreateRecoveryJobRequest& request, const CallOptions& options) const {
  return connection_->CreateRecoveryJob(request, options);
}

absl::StatusOr<v1::RecoveryJob> Client::GetRecoveryJob(absl::string_view name,
                                                       const CallOptions& options) const {
  return GetRecoveryJob(Named<v1::GetRecoveryJobRequest>(name), options);
}

absl::StatusOr<v1::RecoveryJob> Client::GetRecoveryJob(const v1::GetRecoveryJobRequest& request,
                                                       const CallOptions& options) const {
  return connection_->GetRecoveryJob(request, options);
}

absl::StatusOr<std::vector<v1::RecoveryJob>> Client::ListRecoveryJobs(
    v1::ListRecoveryJobsRequest request, size_t max_results, const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options,
                 &Connection::ListRecoveryJobs,
                 &v1::ListRecoveryJobsResponse::mutable_recovery_jobs);
}

absl::StatusOr<v1::RecoveryJob> Client::CancelRecoveryJob(absl::string_view name,
                                                          const CallOptions& options) const {
  return CancelRecoveryJob(Named<v1::CancelRecoveryJobRequest>(name), options);
}

absl::StatusOr<v1::RecoveryJob> Client::CancelRecoveryJob(
    const v1::CancelRecoveryJobRequest& request, const CallOptions& options) const {
  return connection_->CancelRecoveryJob(request, options);
}

absl::StatusOr<v1::EventType> Client::GetEventType(absl::string_view name,
                                                   const CallOptions& options) const {
  return GetEventType(Named<v1::GetEventTypeRequest>(name), options);
}

absl::StatusOr<v1::EventType> Client::GetEventType(const v1::GetEventTypeRequest& request,
                                                   const CallOptions& options) const {
  return connection_->GetEventType(request, options);
}

absl::StatusOr<std::vector<v1::EventType>> Client::ListEventTypes(
    v1::ListEventTypesRequest request, size_t max_results, const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options,
                 &Connection::ListEventTypes, &v1::ListEventTypesResponse::mutable_event_types);
}

absl::StatusOr<v1::Tenant> Client::CreateTenant(v1::Tenant tenant,
                                                const CallOptions& options) const {
  v1::CreateTenantRequest request;
  *request.mutable_tenant() = std::move(tenant);
  return CreateTenant(request, options);
}

absl::StatusOr<v1::Tenant> Client::CreateTenant(const v1::CreateTenantRequest& request,
                                                const CallOptions& options) const {
  return connection_->CreateTenant(request, options);
}

absl::StatusOr<v1::Tenant> Client::GetTenant(absl::string_view name,
                                             const CallOptions& options) const {
  return GetTenant(Named<v1::GetTenantRequest>(name), options);
}

absl::StatusOr<v1::Tenant> Client::GetTenant(const v1::GetTenantRequest& request,
                                             const CallOptions& options) const {
  return connection_->GetTenant(request, options);
}

absl::StatusOr<std::vector<v1::Tenant>> Client::ListTenants(v1::ListTenantsRequest request,
                                                            size_t max_results,
                                                            const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options, &Connection::ListTenants,
                 &v1::ListTenantsResponse::mutable_tenants);
}

absl::StatusOr<v1::Tenant> Client::UpdateTenant(v1::Tenant tenant,
                                                const std::vector<std::string>& fields,
                                                const CallOptions& options) const {
  if (fields.empty()) return absl::InvalidArgumentError("UpdateTenant: no field to change");
  v1::UpdateTenantRequest request;
  *request.mutable_tenant() = std::move(tenant);
  SetMask(fields, &request);
  return UpdateTenant(request, options);
}

absl::StatusOr<v1::Tenant> Client::UpdateTenant(const v1::UpdateTenantRequest& request,
                                                const CallOptions& options) const {
  return connection_->UpdateTenant(request, options);
}

absl::StatusOr<v1::ApiKey> Client::CreateApiKey(v1::ApiKey key, const CallOptions& options) const {
  v1::CreateApiKeyRequest request;
  *request.mutable_api_key() = std::move(key);
  return CreateApiKey(request, options);
}

absl::StatusOr<v1::ApiKey> Client::CreateApiKey(const v1::CreateApiKeyRequest& request,
                                                const CallOptions& options) const {
  return connection_->CreateApiKey(request, options);
}

absl::StatusOr<std::vector<v1::ApiKey>> Client::ListApiKeys(v1::ListApiKeysRequest request,
                                                            size_t max_results,
                                                            const CallOptions& options) const {
  return Collect(*connection_, std::move(request), max_results, options, &Connection::ListApiKeys,
                 &v1::ListApiKeysResponse::mutable_api_keys);
}

absl::Status Client::DeleteApiKey(absl::string_view name, const CallOptions& options) const {
  return DeleteApiKey(Named<v1::DeleteApiKeyRequest>(name), options);
}

absl::Status Client::DeleteApiKey(const v1::DeleteApiKeyRequest& request,
                                  const CallOptions& options) const {
  return connection_->DeleteApiKey(request, options);
}

}  // namespace latchwire::client
