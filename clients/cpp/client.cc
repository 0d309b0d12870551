#include "clients/cpp/client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/error.h"
#include "core/base/crypto.h"
#include "core/base/id.h"

namespace latchwire {

Client::Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

absl::StatusOr<v1::Webhook> Client::CreateWebhook(
    absl::string_view url, const std::vector<std::string>& type_patterns) const {
  v1::CreateWebhookRequest request;
  request.mutable_webhook()->set_url(std::string(url));
  for (const std::string& pattern : type_patterns) {
    request.mutable_webhook()->add_any_of()->set_type_pattern(pattern);
  }
  return CreateWebhook(std::move(request));
}

absl::StatusOr<v1::Webhook> Client::CreateWebhook(v1::CreateWebhookRequest request) const {
  const bool chosen_here = request.webhook_id().empty();
  if (chosen_here) request.set_webhook_id(Uuid::MakeV4(SystemRandom()).ToString());
  if (request.webhook().secret().empty()) {
    std::string key(32, '\0');
    SystemRandom()->Fill(key.data(), key.size());
    request.mutable_webhook()->set_secret(absl::StrCat("whsec_", Base64Encode(key)));
  }
  absl::StatusOr<v1::Webhook> created = connection_->CreateWebhook(request);
  if (created.ok() || !chosen_here ||
      DetailsOf(created.status()).reason != "WEBHOOK_ALREADY_EXISTS") {
    return created;
  }
  // Nobody else can have chosen this id: an earlier try had been done and its answer lost.
  created = GetWebhook(absl::StrCat("webhooks/", request.webhook_id()));
  if (created.ok()) created->set_secret(request.webhook().secret());
  return created;
}

absl::StatusOr<v1::Webhook> Client::GetWebhook(absl::string_view name) const {
  v1::GetWebhookRequest request;
  request.set_name(std::string(name));
  return connection_->GetWebhook(request);
}

absl::Status Client::DeleteWebhook(absl::string_view name) const {
  v1::DeleteWebhookRequest request;
  request.set_name(std::string(name));
  return connection_->DeleteWebhook(request);
}

absl::StatusOr<v1::SendTestEventResponse> Client::SendTestEvent(absl::string_view name) const {
  v1::SendTestEventRequest request;
  request.set_name(std::string(name));
  return connection_->SendTestEvent(request);
}

absl::StatusOr<v1::Event> Client::Publish(absl::string_view type, absl::string_view json) const {
  v1::Event event;
  event.set_type(std::string(type));
  event.set_json(std::string(json));
  return Publish(std::move(event));
}

absl::StatusOr<v1::Event> Client::Publish(v1::Event event) const {
  if (event.id().empty()) {
    event.set_id(Uuid::MakeV7(SystemClock()->Now(), SystemRandom()).ToString());
  }
  v1::PublishEventRequest request;
  *request.mutable_event() = std::move(event);
  return connection_->PublishEvent(request);
}

absl::StatusOr<std::vector<v1::Delivery>> Client::ListDeliveries(v1::ListDeliveriesRequest request,
                                                                 size_t max_results) const {
  std::vector<v1::Delivery> all;
  do {
    auto page = connection_->ListDeliveries(request);
    if (!page.ok()) return page.status();
    for (v1::Delivery& delivery : *page->mutable_deliveries()) {
      if (all.size() == max_results) return all;
      all.push_back(std::move(delivery));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && all.size() < max_results);
  return all;
}

absl::StatusOr<std::vector<v1::Attempt>> Client::ListAttempts(absl::string_view delivery,
                                                              size_t max_results) const {
  v1::ListAttemptsRequest request;
  request.set_parent(std::string(delivery));
  std::vector<v1::Attempt> all;
  do {
    auto page = connection_->ListAttempts(request);
    if (!page.ok()) return page.status();
    for (v1::Attempt& attempt : *page->mutable_attempts()) {
      if (all.size() == max_results) return all;
      all.push_back(std::move(attempt));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && all.size() < max_results);
  return all;
}

}  // namespace latchwire
