// latchwire.v1.WebhookService.
#pragma once

#include <google/protobuf/empty.pb.h>

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "core/base/mutex.h"
#include "latchwire/v1/webhook_service.pb.h"
#include "server/api/adapter.h"
#include "server/api/webhook_converter.h"
#include "server/api/world.h"

namespace latchwire {

// Limit on one tenant's test events in flight; each holds a connection for up to a minute.
inline constexpr int kMaxTestEvents = 16;

class WebhookService : public AuthenticatedService {
 public:
  WebhookService(const ApiWorld* world, const Authenticator* authenticator);

 private:
  struct Update;

  void CreateWebhook(const CallContext& caller, v1::CreateWebhookRequest* request,
                     v1::Webhook* response, Done done);
  void GetWebhook(const CallContext& caller, v1::GetWebhookRequest* request, v1::Webhook* response,
                  Done done);
  void ListWebhooks(const CallContext& caller, v1::ListWebhooksRequest* request,
                    v1::ListWebhooksResponse* response, Done done);
  void UpdateWebhook(const CallContext& caller, v1::UpdateWebhookRequest* request,
                     v1::Webhook* response, Done done);
  void DeleteWebhook(const CallContext& caller, v1::DeleteWebhookRequest* request,
                     google::protobuf::Empty* response, Done done);
  void SendTestEvent(const CallContext& caller, v1::SendTestEventRequest* request,
                     v1::SendTestEventResponse* response, Done done);

  absl::StatusOr<std::shared_ptr<const Webhook>> Resolve(TenantId tenant, absl::string_view name,
                                                         absl::string_view field) const;
  void TryUpdate(std::shared_ptr<Update> update);
  // Converts the webhook, with its status.
  void Show(const Webhook& webhook, Secrets secrets, v1::Webhook* response) const;

  const ApiWorld& world_;
  Mutex tests_mutex_;
  absl::flat_hash_map<TenantId, int> tests_ ABSL_GUARDED_BY(tests_mutex_);  // in flight, not 0
};

}  // namespace latchwire
