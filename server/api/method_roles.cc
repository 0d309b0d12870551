#include "server/api/method_roles.h"

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"

namespace latchwire {
namespace {

constexpr bool kOperatorsToo = true;

constexpr MethodRole kMethodRoles[] = {
    {"latchwire.v1.WebhookService.CreateWebhook", Role::kAdmin},
    {"latchwire.v1.WebhookService.GetWebhook", Role::kViewer},
    {"latchwire.v1.WebhookService.ListWebhooks", Role::kViewer},
    {"latchwire.v1.WebhookService.UpdateWebhook", Role::kAdmin},
    {"latchwire.v1.WebhookService.DeleteWebhook", Role::kAdmin},
    {"latchwire.v1.WebhookService.SendTestEvent", Role::kAdmin},
    {"latchwire.v1.EventService.PublishEvent", Role::kPublisher},
    {"latchwire.v1.EventService.BatchPublishEvents", Role::kPublisher},
    {"latchwire.v1.EventService.GetEvent", Role::kViewer},
    {"latchwire.v1.EventService.ListEvents", Role::kViewer},
    {"latchwire.v1.EventTypeService.GetEventType", Role::kViewer},
    {"latchwire.v1.EventTypeService.ListEventTypes", Role::kViewer},
    {"latchwire.v1.DeliveryService.GetDelivery", Role::kViewer},
    {"latchwire.v1.DeliveryService.ListDeliveries", Role::kViewer},
    {"latchwire.v1.DeliveryService.ListAttempts", Role::kViewer},
    {"latchwire.v1.DeliveryService.RetryDelivery", Role::kAdmin},
    {"latchwire.v1.DeliveryService.CreateRecoveryJob", Role::kAdmin},
    {"latchwire.v1.DeliveryService.GetRecoveryJob", Role::kViewer},
    {"latchwire.v1.DeliveryService.ListRecoveryJobs", Role::kViewer},
    {"latchwire.v1.DeliveryService.CancelRecoveryJob", Role::kAdmin},
    {"latchwire.v1.TenantService.CreateTenant", Role::kOperator},
    {"latchwire.v1.TenantService.GetTenant", Role::kViewer, kOperatorsToo},
    {"latchwire.v1.TenantService.ListTenants", Role::kOperator},
    {"latchwire.v1.TenantService.UpdateTenant", Role::kOperator},
    {"latchwire.v1.ApiKeyService.CreateApiKey", Role::kAdmin, kOperatorsToo},
    {"latchwire.v1.ApiKeyService.ListApiKeys", Role::kAdmin, kOperatorsToo},
    {"latchwire.v1.ApiKeyService.DeleteApiKey", Role::kAdmin, kOperatorsToo},
    {"latchwire.agent.v1.IngestService.Connect", Role::kAgent},
};

const MethodRole* FindRow(absl::string_view method) {
  for (const MethodRole& row : kMethodRoles) {
    if (row.method == method) return &row;
  }
  return nullptr;
}

}  // namespace

absl::Span<const MethodRole> MethodRoles() { return kMethodRoles; }

std::optional<Role> RequiredRole(absl::string_view method) {
  const MethodRole* row = FindRow(method);
  return row == nullptr ? std::nullopt : std::optional<Role>(row->required);
}

bool MayCall(Role role, absl::string_view method) {
  const MethodRole* row = FindRow(method);
  if (row == nullptr) return false;
  return RoleAllows(role, row->required) || (row->operators_too && role == Role::kOperator);
}

absl::Status CheckMethodRoles(absl::Span<const google::protobuf::ServiceDescriptor* const> services,
                              absl::Span<const MethodRole> roles) {
  std::set<std::string> rows;
  for (const MethodRole& row : roles) rows.insert(std::string(row.method));
  std::vector<std::string> wrong;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string& name = service->method(i)->full_name();
      if (rows.erase(name) == 0) wrong.push_back(name + " has no role");
    }
  }
  for (const std::string& row : rows) wrong.push_back(row + " is not a known method");
  if (wrong.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the table of roles (server/api/method_roles.cc) is wrong: " + absl::StrJoin(wrong, ", "));
}

}  // namespace latchwire
