#include "server/api/api_key_service.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error_reason.h"
#include "core/domain/validation.h"
#include "core/json/utf8.h"
#include "server/api/paging.h"
#include "server/api/tenant_converter.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

v1::ApiKey::Role RoleToProto(Role role) {
  switch (role) {
    case Role::kAdmin:
      return v1::ApiKey::ROLE_ADMIN;
    case Role::kPublisher:
      return v1::ApiKey::ROLE_PUBLISHER;
    case Role::kViewer:
      return v1::ApiKey::ROLE_VIEWER;
    case Role::kOperator:
      return v1::ApiKey::ROLE_OPERATOR;
    case Role::kAgent:
      return v1::ApiKey::ROLE_AGENT;
  }
  return v1::ApiKey::ROLE_UNSPECIFIED;
}

std::optional<Role> RoleFromProto(v1::ApiKey::Role role) {
  switch (role) {
    case v1::ApiKey::ROLE_ADMIN:
      return Role::kAdmin;
    case v1::ApiKey::ROLE_PUBLISHER:
      return Role::kPublisher;
    case v1::ApiKey::ROLE_VIEWER:
      return Role::kViewer;
    case v1::ApiKey::ROLE_AGENT:
      return Role::kAgent;
    case v1::ApiKey::ROLE_OPERATOR:
      return Role::kOperator;
    default:
      return std::nullopt;
  }
}

void ToProto(const ApiKey& key, v1::ApiKey* proto) {
  proto->set_name(absl::StrCat("apiKeys/", key.id));
  proto->set_display_name(key.display_name);
  proto->set_role(RoleToProto(key.role));
  proto->set_agent(key.agent);
  if (key.tenant != kNoTenant) proto->set_tenant(TenantName(key.tenant));
  latchwire::ToProto(key.create_time, proto->mutable_create_time());
}

std::string PositionText(const ApiKey& key) {
  return absl::StrCat(absl::ToUnixNanos(key.create_time), " ", key.id);
}

ApiKeyPosition PositionOf(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, ' ');
  ApiKeyPosition position;
  int64_t nanos = 0;
  if (!absl::SimpleAtoi(parts.first, &nanos)) return position;  // the first page
  position.create_time = absl::FromUnixNanos(nanos);
  position.id = std::string(parts.second);
  return position;
}

std::vector<FieldViolation> CheckKey(const v1::ApiKey& proto, const std::optional<Role>& role,
                                     bool by_operator) {
  std::vector<FieldViolation> violations;
  const size_t length = CodePointCount(proto.display_name());
  if (length == absl::string_view::npos || length > kMaxDisplayNameLength) {
    violations.push_back({"api_key.display_name",
                          absl::StrCat("must be at most ", kMaxDisplayNameLength, " characters")});
  }
  if (!role) {
    violations.push_back({"api_key.role",
                          "must be ROLE_ADMIN, ROLE_PUBLISHER, ROLE_VIEWER, ROLE_AGENT or "
                          "ROLE_OPERATOR"});
  } else if (*role == Role::kOperator && !by_operator) {
    violations.push_back({"api_key.role", "can be set to ROLE_OPERATOR by operators only"});
  } else if (*role == Role::kAgent && !IsValidAgentName(proto.agent())) {
    violations.push_back(
        {"api_key.agent", "must be 1 to 64 characters of a-z 0-9 - _ . with ROLE_AGENT"});
  } else if (*role != Role::kAgent && !proto.agent().empty()) {
    violations.push_back({"api_key.agent", "must be empty unless the role is ROLE_AGENT"});
  }
  if (role == Role::kOperator && !proto.tenant().empty()) {
    violations.push_back({"api_key.tenant", "must be empty with ROLE_OPERATOR"});
  } else if (role != Role::kOperator && by_operator && proto.tenant().empty()) {
    violations.push_back({"api_key.tenant", "must be given: an operator has no tenant of its own"});
  }
  return violations;
}

}  // namespace

ApiKeyService::ApiKeyService(const ApiWorld* world, const Authenticator* authenticator)
    : AuthenticatedService("latchwire.v1.ApiKeyService", authenticator), world_(*world) {
  AddUnary<v1::CreateApiKeyRequest, v1::ApiKey>(
      "CreateApiKey", [this](const auto& caller, auto* request, auto* response, Done done) {
        CreateApiKey(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListApiKeysRequest, v1::ListApiKeysResponse>(
      "ListApiKeys", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListApiKeys(caller, request, response, std::move(done));
      });
  AddUnary<v1::DeleteApiKeyRequest, google::protobuf::Empty>(
      "DeleteApiKey", [this](const auto& caller, auto* request, auto* response, Done done) {
        DeleteApiKey(caller, request, response, std::move(done));
      });
}

absl::StatusOr<TenantId> ApiKeyService::TenantFor(const CallContext& caller, absl::string_view name,
                                                  absl::string_view field) const {
  if (name.empty()) return caller.tenant;
  const auto tenant = ParseTenantName(name);
  if (!tenant) return InvalidField(field, "must be tenants/ and a number");
  if (*tenant == caller.tenant) return *tenant;
  // Whether another tenant exists is told to operators only.
  const bool known = caller.role == Role::kOperator && world_.configuration->FindTenant(*tenant);
  if (!known) return NotFound(error_reason::kTenantNotFound, name);
  return *tenant;
}

void ApiKeyService::CreateApiKey(const CallContext& caller, v1::CreateApiKeyRequest* request,
                                 v1::ApiKey* response, Done done) {
  if (!request->has_api_key()) return done(InvalidField("api_key", "is missing"));
  const v1::ApiKey& proto = request->api_key();
  const std::optional<Role> role = RoleFromProto(proto.role());
  const auto violations = CheckKey(proto, role, caller.role == Role::kOperator);
  if (!violations.empty()) return done(InvalidArgument(violations));
  const absl::StatusOr<TenantId> tenant = TenantFor(caller, proto.tenant(), "api_key.tenant");
  if (!tenant.ok()) return done(tenant.status());

  NewApiKey made = MakeApiKey(world_.random);
  made.key.tenant = *tenant;
  made.key.role = *role;
  made.key.agent = proto.agent();
  made.key.display_name = proto.display_name();
  made.key.create_time = world_.Now();
  latchwire::CreateApiKey create;
  create.key = std::move(made.key);
  world_.writer->Submit(std::move(create),
                        [response, token = std::move(made.token),
                         done = std::move(done)](Written<latchwire::CreateApiKey> written) mutable {
                          if (written.result.ok()) {
                            ToProto(written.mutation.key, response);
                            response->set_token(token);
                          }
                          done(written.result.status());
                        });
}

void ApiKeyService::ListApiKeys(const CallContext& caller, v1::ListApiKeysRequest* request,
                                v1::ListApiKeysResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  const absl::StatusOr<TenantId> tenant = TenantFor(caller, request->tenant(), "tenant");
  if (!tenant.ok()) return done(tenant.status());
  const PageArguments arguments(*tenant, {"ListApiKeys"});
  const absl::StatusOr<std::string> after = arguments.ParseToken(request->page_token());
  if (!after.ok()) return done(after.status());
  const std::vector<ApiKey> keys = world_.configuration->ListApiKeys(
      *tenant, PositionOf(*after), static_cast<size_t>(*limit) + 1);
  for (const ApiKey& key : keys) {
    if (response->api_keys_size() == *limit) {
      const size_t last = static_cast<size_t>(*limit) - 1;
      response->set_next_page_token(arguments.MakeToken(PositionText(keys[last])));
      break;
    }
    ToProto(key, response->add_api_keys());
  }
  done(absl::OkStatus());
}

void ApiKeyService::DeleteApiKey(const CallContext& caller, v1::DeleteApiKeyRequest* request,
                                 google::protobuf::Empty*, Done done) {
  absl::StatusOr<std::string> id = ParseName(request->name(), "apiKeys", "name");
  if (!id.ok()) return done(id.status());
  latchwire::DeleteApiKey mutation;
  mutation.tenant = caller.tenant;
  mutation.id = *std::move(id);
  if (caller.role == Role::kOperator) {
    const auto key = world_.configuration->FindApiKey(mutation.id);
    if (key) mutation.tenant = key->tenant;
  }
  world_.writer->Submit(std::move(mutation), [request, done = std::move(done)](
                                                 Written<latchwire::DeleteApiKey> written) mutable {
    if (absl::IsNotFound(written.result.status())) {
      return done(NotFound(error_reason::kApiKeyNotFound, request->name()));
    }
    done(written.result.status());
  });
}

}  // namespace latchwire
