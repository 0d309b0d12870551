#include "server/api/webhook_service.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "core/formats/format.h"
#include "server/api/paging.h"
#include "server/api/time_converter.h"
#include "server/api/webhook_limits_converter.h"
#include "server/api/webhook_update.h"

namespace latchwire {
namespace {

// How often an update without an etag is made again on top of somebody else's.
constexpr int kMaxUpdateTries = 10;

Secrets SecretsFor(const CallContext& caller) {
  return caller.role == Role::kAdmin ? Secrets::kHeaders : Secrets::kNone;
}

absl::Status EtagMismatch(const Webhook& current) {
  return MakeError(absl::StatusCode::kAborted, error_reason::kEtagMismatch,
                   "the webhook was changed meanwhile: read it again and retry",
                   {{"name", absl::StrCat("webhooks/", current.id)}});
}

// The store knows webhooks by their uid; callers get back the name that they gave.
absl::Status Named(const absl::Status& status, absl::string_view name) {
  if (absl::IsNotFound(status)) return NotFound(error_reason::kWebhookNotFound, name);
  return status;
}

}  // namespace

WebhookService::WebhookService(const ApiWorld* world, const Authenticator* authenticator)
    : AuthenticatedService("latchwire.v1.WebhookService", authenticator), world_(*world) {
  AddUnary<v1::CreateWebhookRequest, v1::Webhook>(
      "CreateWebhook", [this](const auto& caller, auto* request, auto* response, Done done) {
        CreateWebhook(caller, request, response, std::move(done));
      });
  AddUnary<v1::GetWebhookRequest, v1::Webhook>(
      "GetWebhook", [this](const auto& caller, auto* request, auto* response, Done done) {
        GetWebhook(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListWebhooksRequest, v1::ListWebhooksResponse>(
      "ListWebhooks", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListWebhooks(caller, request, response, std::move(done));
      });
  AddUnary<v1::UpdateWebhookRequest, v1::Webhook>(
      "UpdateWebhook", [this](const auto& caller, auto* request, auto* response, Done done) {
        UpdateWebhook(caller, request, response, std::move(done));
      });
  AddUnary<v1::DeleteWebhookRequest, google::protobuf::Empty>(
      "DeleteWebhook", [this](const auto& caller, auto* request, auto* response, Done done) {
        DeleteWebhook(caller, request, response, std::move(done));
      });
  AddUnary<v1::SendTestEventRequest, v1::SendTestEventResponse>(
      "SendTestEvent", [this](const auto& caller, auto* request, auto* response, Done done) {
        SendTestEvent(caller, request, response, std::move(done));
      });
}

absl::StatusOr<std::shared_ptr<const Webhook>> WebhookService::Resolve(
    TenantId tenant, absl::string_view name, absl::string_view field) const {
  const absl::StatusOr<std::string> id = ParseName(name, "webhooks", field);
  if (!id.ok()) return id.status();
  // UUIDs are kept in their canonical, lower-case form.
  const auto uuid = Uuid::Parse(*id);
  auto webhook = world_.configuration->FindWebhook(tenant, uuid ? uuid->ToString() : *id);
  if (webhook == nullptr) return NotFound(error_reason::kWebhookNotFound, name);
  return webhook;
}

void WebhookService::Show(const Webhook& webhook, Secrets secrets, v1::Webhook* response) const {
  ToProto(webhook, secrets, response);
  StatusToProto(world_.stats->StatsOf(webhook.key), world_.stats->BreakerOf(webhook.key),
                response->mutable_status());
}

void WebhookService::CreateWebhook(const CallContext& caller, v1::CreateWebhookRequest* request,
                                   v1::Webhook* response, Done done) {
  if (!request->has_webhook()) return done(InvalidField("webhook", "is missing"));
  latchwire::CreateWebhook create;
  Webhook& webhook = create.webhook;
  const absl::Time now = world_.Now();
  std::vector<FieldViolation> violations = FromProto(request->webhook(), now, &webhook);
  const auto id = Uuid::Parse(request->webhook_id());
  if (!request->webhook_id().empty() && !id) {
    violations.push_back({"webhook_id", "must be a UUID of 36 characters, or empty"});
  }
  const Format& format = *GetFormat(webhook.format);
  if (webhook.secrets.empty() && format.Secrets().use == SecretPolicy::Use::kRequired) {
    webhook.secrets.push_back({format.MakeSecret(world_.random), now});
  }
  absl::c_move(ValidateForFormat(webhook, "webhook"), std::back_inserter(violations));
  if (!violations.empty()) return done(InvalidArgument(violations));

  if (const auto tenant = world_.configuration->FindTenant(caller.tenant)) {
    create.max_webhooks = tenant->settings.quotas.max_webhooks;
  }
  webhook.key.tenant = caller.tenant;
  webhook.id = (id ? *id : Uuid::MakeV4(world_.random)).ToString();
  webhook.create_time = webhook.update_time = webhook.state_time = now;
  world_.writer->Submit(std::move(create), [this, response, done = std::move(done)](
                                               Written<latchwire::CreateWebhook> written) mutable {
    absl::Status status = written.result.status();
    if (status.ok()) {
      Show(*written.result->webhook, Secrets::kCreated, response);
    } else if (absl::IsAlreadyExists(status)) {
      status = WithMetadata(status, "name", absl::StrCat("webhooks/", written.mutation.webhook.id));
    }
    world_.counters->CountRefusal(status);
    done(std::move(status));
  });
}

void WebhookService::GetWebhook(const CallContext& caller, v1::GetWebhookRequest* request,
                                v1::Webhook* response, Done done) {
  const auto webhook = Resolve(caller.tenant, request->name(), "name");
  if (webhook.ok()) Show(**webhook, SecretsFor(caller), response);
  done(webhook.status());
}

void WebhookService::ListWebhooks(const CallContext& caller, v1::ListWebhooksRequest* request,
                                  v1::ListWebhooksResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  const PageArguments arguments(caller.tenant, {"ListWebhooks"});
  const absl::StatusOr<int64_t> after = arguments.ParseInt64Token(request->page_token());
  if (!after.ok()) return done(after.status());
  // A webhook can be some 600 KiB large; a page fits into the 4 MiB that gRPC clients take.
  constexpr size_t kMaxPageBytes = 2 * 1024 * 1024;
  const auto page =
      world_.configuration->ListWebhooks(caller.tenant, *after, static_cast<size_t>(*limit) + 1);
  size_t bytes = 0;
  int64_t last = 0;
  for (const auto& webhook : page) {
    v1::Webhook proto;
    Show(*webhook, SecretsFor(caller), &proto);
    bytes += proto.ByteSizeLong();
    const bool full = response->webhooks_size() >= *limit ||
                      (bytes > kMaxPageBytes && response->webhooks_size() > 0);
    if (full) {
      response->set_next_page_token(arguments.MakeToken(absl::StrCat(last)));
      break;
    }
    last = webhook->key.uid;
    *response->add_webhooks() = std::move(proto);
  }
  done(absl::OkStatus());
}

struct WebhookService::Update {
  TenantId tenant;
  v1::UpdateWebhookRequest* request;
  v1::Webhook* response;
  Done done;
  std::vector<std::string> fields;
  int tries = 0;
};

void WebhookService::UpdateWebhook(const CallContext& caller, v1::UpdateWebhookRequest* request,
                                   v1::Webhook* response, Done done) {
  if (!request->has_webhook()) return done(InvalidField("webhook", "is missing"));
  absl::StatusOr<std::vector<std::string>> fields = FieldsToChange(*request);
  if (!fields.ok()) return done(fields.status());
  TryUpdate(std::make_shared<Update>(
      Update{caller.tenant, request, response, std::move(done), *std::move(fields)}));
}

void WebhookService::TryUpdate(std::shared_ptr<Update> update) {
  const std::string& name = update->request->webhook().name();
  const auto current = Resolve(update->tenant, name, "webhook.name");
  if (!current.ok()) return update->done(current.status());
  const std::string& etag = update->request->webhook().etag();
  if (!etag.empty() && etag != EtagOf(**current)) return update->done(EtagMismatch(**current));
  absl::StatusOr<Webhook> changed =
      ApplyUpdate(**current, *update->request, update->fields, world_.Now());
  if (!changed.ok()) return update->done(changed.status());

  latchwire::UpdateWebhook mutation;
  mutation.webhook = *std::move(changed);
  world_.writer->Submit(
      std::move(mutation), [this, update](Written<latchwire::UpdateWebhook> written) {
        const absl::Status& status = written.result.status();
        if (ReasonOf(status) == error_reason::kEtagMismatch && ++update->tries < kMaxUpdateTries) {
          return TryUpdate(update);
        }
        if (status.ok()) Show(*written.result->webhook, Secrets::kHeaders, update->response);
        update->done(Named(status, update->request->webhook().name()));
      });
}

void WebhookService::DeleteWebhook(const CallContext& caller, v1::DeleteWebhookRequest* request,
                                   google::protobuf::Empty*, Done done) {
  const auto webhook = Resolve(caller.tenant, request->name(), "name");
  if (!webhook.ok()) return done(webhook.status());
  latchwire::DeleteWebhook mutation;
  mutation.key = (*webhook)->key;
  if (!request->etag().empty()) {
    if (request->etag() != EtagOf(**webhook)) return done(EtagMismatch(**webhook));
    mutation.revision = (*webhook)->revision;
  }
  world_.writer->Submit(
      std::move(mutation),
      [request, done = std::move(done)](Written<latchwire::DeleteWebhook> written) mutable {
        done(Named(written.result.status(), request->name()));
      });
}

void WebhookService::SendTestEvent(const CallContext& caller, v1::SendTestEventRequest* request,
                                   v1::SendTestEventResponse* response, Done done) {
  const auto webhook = Resolve(caller.tenant, request->name(), "name");
  if (!webhook.ok()) return done(webhook.status());
  {
    MutexLock lock(&tests_mutex_);
    int& under_way = tests_[caller.tenant];
    if (under_way >= kMaxTestEvents) return done(Overloaded("the number of test events in flight"));
    ++under_way;
  }
  world_.send_test(*webhook, [this, tenant = caller.tenant, response,
                              done = std::move(done)](HttpResult result) mutable {
    {
      MutexLock lock(&tests_mutex_);
      if (--tests_[tenant] == 0) tests_.erase(tenant);
    }
    if (result.error == TransportError::kOverloaded) return done(Overloaded("the sending queue"));
    if (result.error == TransportError::kShutdown) {
      return done(ShuttingDown());
    }
    response->set_http_status(result.http_status);
    if (result.error != TransportError::kNone) {
      response->set_error(std::string(TransportErrorName(result.error)));
      response->set_error_detail(result.detail);
    }
    result.body.resize(std::min(result.body.size(), kKeptResponseBytes));
    response->set_response_body(std::move(result.body));
    ToProto(result.duration, response->mutable_duration());
    done(absl::OkStatus());
  });
}

}  // namespace latchwire
