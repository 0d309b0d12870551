// Tenants: protobuf <-> domain, with the API's defaults. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/domain/tenant.h"
#include "core/domain/validation.h"
#include "latchwire/v1/tenant_service.pb.h"

namespace latchwire {

std::string TenantName(TenantId tenant);  // "tenants/7"
// Parses `tenants/7`; nullopt if it is not of that form. Whether the tenant exists is not checked.
std::optional<TenantId> ParseTenantName(absl::string_view name);

void ToProto(const Tenant& tenant, size_t webhook_count, v1::Tenant* proto);
// Sets every field that an operator can change; those that are absent in `proto` get their default.
// Returns what is wrong; paths begin with "tenant".
std::vector<FieldViolation> FromProto(const v1::Tenant& proto, TenantSettings* settings);

std::string EtagOf(const Tenant& tenant);

// Returns the names of the fields to change, by the rules of UpdateTenantRequest.update_mask.
// FIELD_INVALID names every path that is unknown or output-only.
absl::StatusOr<std::vector<std::string>> FieldsToChange(const v1::UpdateTenantRequest& request);
// Returns `current` with `fields` taken from the request; a field that is absent there gets its
// default.
absl::StatusOr<TenantSettings> ApplyUpdate(const Tenant& current,
                                           const v1::UpdateTenantRequest& request,
                                           const std::vector<std::string>& fields);

}  // namespace latchwire
