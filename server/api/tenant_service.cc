#include "server/api/tenant_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_reason.h"
#include "server/api/paging.h"
#include "server/api/tenant_converter.h"

namespace latchwire {
namespace {

// How often an update without an etag is made again on top of somebody else's.
constexpr int kMaxUpdateTries = 10;

absl::Status EtagMismatch(TenantId tenant) {
  return MakeError(absl::StatusCode::kAborted, error_reason::kEtagMismatch,
                   "the tenant was changed meanwhile: read it again and retry",
                   {{"name", TenantName(tenant)}});
}

}  // namespace

TenantService::TenantService(const ApiWorld* world, const Authenticator* authenticator)
    : AuthenticatedService("latchwire.v1.TenantService", authenticator), world_(*world) {
  AddUnary<v1::CreateTenantRequest, v1::Tenant>(
      "CreateTenant", [this](const auto& caller, auto* request, auto* response, Done done) {
        CreateTenant(caller, request, response, std::move(done));
      });
  AddUnary<v1::GetTenantRequest, v1::Tenant>(
      "GetTenant", [this](const auto& caller, auto* request, auto* response, Done done) {
        GetTenant(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListTenantsRequest, v1::ListTenantsResponse>(
      "ListTenants", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListTenants(caller, request, response, std::move(done));
      });
  AddUnary<v1::UpdateTenantRequest, v1::Tenant>(
      "UpdateTenant", [this](const auto& caller, auto* request, auto* response, Done done) {
        UpdateTenant(caller, request, response, std::move(done));
      });
}

absl::StatusOr<Tenant> TenantService::Resolve(const CallContext& caller, absl::string_view name,
                                              absl::string_view field) const {
  const bool is_operator = caller.role == Role::kOperator;
  if (name == "tenants/-" && is_operator) {
    return InvalidField(field,
                        "must be tenants/ and a number: an operator has no tenant of its own");
  }
  const auto id = name == "tenants/-" ? caller.tenant : ParseTenantName(name);
  if (!id) return InvalidField(field, "must be tenants/ and a number, or tenants/-");
  std::optional<Tenant> tenant;
  if (is_operator || *id == caller.tenant) tenant = world_.configuration->FindTenant(*id);
  if (!tenant) return NotFound(error_reason::kTenantNotFound, name);
  tenant->id = *id;
  return *std::move(tenant);
}

void TenantService::Show(const Tenant& tenant, v1::Tenant* response) const {
  ToProto(tenant, world_.configuration->CountWebhooks(tenant.id), response);
}

void TenantService::CreateTenant(const CallContext&, v1::CreateTenantRequest* request,
                                 v1::Tenant* response, Done done) {
  if (!request->has_tenant()) return done(InvalidField("tenant", "is missing"));
  latchwire::CreateTenant create;
  const auto violations = FromProto(request->tenant(), &create.settings);
  if (!violations.empty()) return done(InvalidArgument(violations));
  create.create_time = world_.Now();
  world_.writer->Submit(std::move(create), [this, response, done = std::move(done)](
                                               Written<latchwire::CreateTenant> written) mutable {
    if (written.result.ok()) Show(written.result->tenant, response);
    done(written.result.status());
  });
}

void TenantService::GetTenant(const CallContext& caller, v1::GetTenantRequest* request,
                              v1::Tenant* response, Done done) {
  const absl::StatusOr<Tenant> tenant = Resolve(caller, request->name(), "name");
  if (tenant.ok()) Show(*tenant, response);
  done(tenant.status());
}

void TenantService::ListTenants(const CallContext& caller, v1::ListTenantsRequest* request,
                                v1::ListTenantsResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  const PageArguments arguments(caller.tenant, {"ListTenants"});
  const absl::StatusOr<int64_t> after = arguments.ParseInt64Token(request->page_token());
  if (!after.ok()) return done(after.status());
  // One more than asked for tells whether there is a next page.
  const std::vector<Tenant> tenants =
      world_.configuration->ListTenants(*after, static_cast<size_t>(*limit) + 1);
  for (const Tenant& tenant : tenants) {
    if (response->tenants_size() == *limit) {
      const TenantId last = tenants[static_cast<size_t>(*limit) - 1].id;
      response->set_next_page_token(arguments.MakeToken(absl::StrCat(last)));
      break;
    }
    Show(tenant, response->add_tenants());
  }
  done(absl::OkStatus());
}

struct TenantService::Update {
  CallContext caller;
  v1::UpdateTenantRequest* request;
  v1::Tenant* response;
  Done done;
  std::vector<std::string> fields;
  int tries = 0;
};

void TenantService::UpdateTenant(const CallContext& caller, v1::UpdateTenantRequest* request,
                                 v1::Tenant* response, Done done) {
  if (!request->has_tenant()) return done(InvalidField("tenant", "is missing"));
  absl::StatusOr<std::vector<std::string>> fields = FieldsToChange(*request);
  if (!fields.ok()) return done(fields.status());
  TryUpdate(std::make_shared<Update>(
      Update{caller, request, response, std::move(done), *std::move(fields)}));
}

void TenantService::TryUpdate(std::shared_ptr<Update> update) {
  const v1::Tenant& patch = update->request->tenant();
  const absl::StatusOr<Tenant> current = Resolve(update->caller, patch.name(), "tenant.name");
  if (!current.ok()) return update->done(current.status());
  if (!patch.etag().empty() && patch.etag() != EtagOf(*current)) {
    return update->done(EtagMismatch(current->id));
  }
  absl::StatusOr<TenantSettings> settings = ApplyUpdate(*current, *update->request, update->fields);
  if (!settings.ok()) return update->done(settings.status());

  latchwire::UpdateTenant mutation;
  mutation.tenant = current->id;
  mutation.revision = current->revision;
  mutation.settings = *std::move(settings);
  world_.writer->Submit(
      std::move(mutation), [this, update](Written<latchwire::UpdateTenant> written) {
        if (written.result.ok()) {
          Show(written.result->tenant, update->response);
        } else if (ReasonOf(written.result.status()) == error_reason::kEtagMismatch) {
          if (++update->tries < kMaxUpdateTries) return TryUpdate(update);
          return update->done(EtagMismatch(written.mutation.tenant));
        }
        update->done(written.result.status());
      });
}

}  // namespace latchwire
