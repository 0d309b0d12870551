#include "server/api/delivery_service.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "server/api/delivery_converter.h"
#include "server/api/event_service.h"
#include "server/api/paging.h"

namespace latchwire {
namespace {

// An attempt holds up to 4 KiB of its answer; a page fits into the 4 MiB that gRPC clients take.
constexpr size_t kMaxPageBytes = 2 * 1024 * 1024;

std::string NameOf(const DeliveryKey& key) {
  return absl::StrCat("deliveries/", key.webhook.uid, "-", key.event_number);
}

absl::Status DeliveryNotFound(absl::string_view name) {
  return NotFound(error_reason::kDeliveryNotFound, name);
}

// The store's own words, with the caller's name for the delivery.
absl::Status Named(const absl::Status& status, const DeliveryKey& key) {
  return absl::IsNotFound(status) ? DeliveryNotFound(NameOf(key)) : status;
}

std::string MakePosition(const DeliveryCursor& cursor) {
  return absl::StrCat(cursor->first, ",", cursor->second);
}

absl::StatusOr<DeliveryCursor> ParsePosition(const absl::StatusOr<std::string>& position) {
  if (!position.ok()) return position.status();
  if (position->empty()) return DeliveryCursor();
  const std::pair<std::string, std::string> parts = absl::StrSplit(*position, ',');
  std::pair<int64_t, int64_t> cursor;
  if (!absl::SimpleAtoi(parts.first, &cursor.first) ||
      !absl::SimpleAtoi(parts.second, &cursor.second)) {
    return absl::InternalError("a page token of our own cannot be read");
  }
  return DeliveryCursor(cursor);
}

}  // namespace

DeliveryService::DeliveryService(const ApiWorld* world, const Authenticator* authenticator)
    : AuthenticatedService("latchwire.v1.DeliveryService", authenticator), world_(*world) {
  AddUnary<v1::GetDeliveryRequest, v1::Delivery>(
      "GetDelivery", [this](const auto& caller, auto* request, auto* response, Done done) {
        GetDelivery(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListDeliveriesRequest, v1::ListDeliveriesResponse>(
      "ListDeliveries", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListDeliveries(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListAttemptsRequest, v1::ListAttemptsResponse>(
      "ListAttempts", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListAttempts(caller, request, response, std::move(done));
      });
  AddUnary<v1::RetryDeliveryRequest, v1::Delivery>(
      "RetryDelivery", [this](const auto& caller, auto* request, auto* response, Done done) {
        RetryDelivery(caller, request, response, std::move(done));
      });
  AddUnary<v1::CreateRecoveryJobRequest, v1::RecoveryJob>(
      "CreateRecoveryJob", [this](const auto& caller, auto* request, auto* response, Done done) {
        CreateRecoveryJob(caller, request, response, std::move(done));
      });
  AddUnary<v1::GetRecoveryJobRequest, v1::RecoveryJob>(
      "GetRecoveryJob", [this](const auto& caller, auto* request, auto* response, Done done) {
        GetRecoveryJob(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListRecoveryJobsRequest, v1::ListRecoveryJobsResponse>(
      "ListRecoveryJobs", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListRecoveryJobs(caller, request, response, std::move(done));
      });
  AddUnary<v1::CancelRecoveryJobRequest, v1::RecoveryJob>(
      "CancelRecoveryJob", [this](const auto& caller, auto* request, auto* response, Done done) {
        CancelRecoveryJob(caller, request, response, std::move(done));
      });
}

absl::StatusOr<DeliveryKey> DeliveryService::Resolve(const CallContext& caller,
                                                     absl::string_view name,
                                                     absl::string_view field) const {
  const absl::StatusOr<std::string> id = ParseName(name, "deliveries", field);
  if (!id.ok()) return id.status();
  const auto key = ParseDeliveryId(caller.tenant, *id);
  // Deliveries of a deleted webhook are gone with it, even while their rows wait to be purged.
  if (!key || world_.configuration->FindWebhook(key->webhook) == nullptr)
    return DeliveryNotFound(name);
  return *key;
}

absl::StatusOr<int64_t> DeliveryService::WebhookUid(const CallContext& caller,
                                                    absl::string_view name,
                                                    absl::string_view field) const {
  const auto id = ParseName(name, "webhooks", field);
  if (!id.ok()) return id.status();
  const auto uuid = Uuid::Parse(*id);
  const auto webhook =
      world_.configuration->FindWebhook(caller.tenant, uuid ? uuid->ToString() : *id);
  if (webhook == nullptr) return NotFound(error_reason::kWebhookNotFound, name);
  return webhook->key.uid;
}

void DeliveryService::Answer(DeliveryKey key, v1::Delivery* response, Done done) const {
  AnswerFromStore(
      world_.reads, std::move(done),
      [configuration = world_.configuration, key, response](Store& store) -> absl::Status {
        const absl::StatusOr<PendingDelivery> delivery = store.GetDelivery(key);
        if (!delivery.ok()) return Named(delivery.status(), key);
        const auto webhook = configuration->FindWebhook(key.webhook);
        if (webhook == nullptr) return DeliveryNotFound(NameOf(key));
        ToProto(*delivery, *webhook, response);
        return absl::OkStatus();
      });
}

void DeliveryService::GetDelivery(const CallContext& caller, v1::GetDeliveryRequest* request,
                                  v1::Delivery* response, Done done) {
  const auto key = Resolve(caller, request->name(), "name");
  if (!key.ok()) return done(key.status());
  Answer(*key, response, std::move(done));
}

void DeliveryService::ListDeliveries(const CallContext& caller, v1::ListDeliveriesRequest* request,
                                     v1::ListDeliveriesResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  PageArguments arguments(caller.tenant, {"ListDeliveries", request->webhook(), request->event(),
                                          absl::StrCat(request->state())});
  const auto after = ParsePosition(arguments.ParseToken(request->page_token()));
  if (!after.ok()) return done(after.status());

  DeliveryFilter filter;
  if (!request->webhook().empty()) {
    const auto uid = WebhookUid(caller, request->webhook(), "webhook");
    if (!uid.ok()) return done(uid.status());
    filter.webhook_uid = *uid;
  }
  if (request->state() != v1::Delivery::STATE_UNSPECIFIED) {
    filter.state = FromProto(request->state());
    if (!filter.state) return done(InvalidField("state", "has an unknown value"));
  }
  std::string event;
  if (!request->event().empty()) {
    absl::StatusOr<std::string> id = ParseName(request->event(), "events", "event");
    if (!id.ok()) return done(id.status());
    event = *std::move(id);
  }

  AnswerFromStore(
      world_.reads, std::move(done),
      [configuration = world_.configuration, tenant = caller.tenant, filter, after = *after,
       limit = *limit, event = std::move(event), arguments = std::move(arguments),
       response](Store& store) mutable -> absl::Status {
        if (!event.empty()) {
          const absl::StatusOr<int64_t> number = ResolveEvent(store, tenant, event);
          if (!number.ok()) return number.status();
          filter.event_number = *number;
        }
        const absl::StatusOr<DeliveryPage> page =
            store.ListDeliveries(tenant, filter, after, limit);
        if (!page.ok()) return page.status();
        for (const PendingDelivery& delivery : page->deliveries) {
          const auto webhook = configuration->FindWebhook(delivery.delivery.key.webhook);
          if (webhook != nullptr) ToProto(delivery, *webhook, response->add_deliveries());
        }
        if (page->next) {
          response->set_next_page_token(arguments.MakeToken(MakePosition(page->next)));
        }
        return absl::OkStatus();
      });
}

void DeliveryService::ListAttempts(const CallContext& caller, v1::ListAttemptsRequest* request,
                                   v1::ListAttemptsResponse* response, Done done) {
  const auto key = Resolve(caller, request->parent(), "parent");
  if (!key.ok()) return done(key.status());
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  PageArguments arguments(caller.tenant, {"ListAttempts", NameOf(*key)});
  const absl::StatusOr<int64_t> after = arguments.ParseInt64Token(request->page_token());
  if (!after.ok()) return done(after.status());
  AnswerFromStore(world_.reads, std::move(done),
                  [key = *key, after = static_cast<int>(*after), limit = *limit,
                   arguments = std::move(arguments), response](Store& store) -> absl::Status {
                    // One more than asked for tells whether there is a next page.
                    const auto attempts = store.ListAttempts(key, after, limit + 1);
                    if (!attempts.ok()) return Named(attempts.status(), key);
                    size_t bytes = 0;
                    for (const Attempt& attempt : *attempts) {
                      bytes += 256 + attempt.response_body.size() + attempt.error_detail.size();
                      const int count = response->attempts_size();
                      if (count >= limit || (bytes > kMaxPageBytes && count > 0)) {
                        response->set_next_page_token(arguments.MakeToken(
                            absl::StrCat(response->attempts(count - 1).number())));
                        break;
                      }
                      ToProto(attempt, response->add_attempts());
                    }
                    return absl::OkStatus();
                  });
}

void DeliveryService::RetryDelivery(const CallContext& caller, v1::RetryDeliveryRequest* request,
                                    v1::Delivery* response, Done done) {
  const auto key = Resolve(caller, request->name(), "name");
  if (!key.ok()) return done(key.status());
  latchwire::RetryDelivery retry;
  retry.key = *key;
  retry.now = world_.Now();
  world_.writer->Submit(std::move(retry), [this, response, done = std::move(done)](
                                              Written<latchwire::RetryDelivery> written) mutable {
    const DeliveryKey retried = written.mutation.key;
    if (!written.result.ok()) return done(Named(written.result.status(), retried));
    Answer(retried, response, std::move(done));
  });
}

}  // namespace latchwire
