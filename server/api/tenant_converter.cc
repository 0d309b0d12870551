#include "server/api/tenant_converter.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/api/paging.h"
#include "server/api/status.h"
#include "server/api/time_converter.h"
#include "server/api/update_mask.h"

namespace latchwire {

std::string TenantName(TenantId tenant) { return absl::StrCat("tenants/", tenant); }

std::optional<TenantId> ParseTenantName(absl::string_view name) {
  TenantId tenant = 0;
  if (!absl::ConsumePrefix(&name, "tenants/") || !IsAllDigits(name) || name[0] == '0' ||
      !absl::SimpleAtoi(name, &tenant)) {
    return std::nullopt;
  }
  return tenant;
}

void ToProto(const Tenant& tenant, size_t webhook_count, v1::Tenant* proto) {
  proto->set_name(TenantName(tenant.id));
  proto->set_display_name(tenant.settings.display_name);
  ToProto(tenant.settings.event_retention, proto->mutable_event_retention());
  ToProto(tenant.settings.max_held_time, proto->mutable_max_held_time());
  const TenantQuotas& quotas = tenant.settings.quotas;
  if (quotas != TenantQuotas()) {
    proto->mutable_quotas()->set_max_events_per_second(quotas.max_events_per_s);
    proto->mutable_quotas()->set_max_stored_bytes(quotas.max_stored_bytes);
    proto->mutable_quotas()->set_max_webhooks(quotas.max_webhooks);
  }
  proto->set_stored_bytes(tenant.stored_bytes);
  proto->set_stored_event_count(tenant.stored_events);
  proto->set_webhook_count(static_cast<int64_t>(webhook_count));
  if (tenant.create_time != absl::InfinitePast()) {  // the first tenant is older than such times
    ToProto(tenant.create_time, proto->mutable_create_time());
  }
  proto->set_etag(EtagOf(tenant));
}

std::vector<FieldViolation> FromProto(const v1::Tenant& proto, TenantSettings* settings) {
  std::vector<FieldViolation> violations;
  settings->display_name = proto.display_name();
  settings->event_retention =
      proto.has_event_retention()
          ? DurationFromProto(proto.event_retention(), "tenant.event_retention",
                              kDefaultEventRetention, &violations)
          : kDefaultEventRetention;
  settings->max_held_time = proto.has_max_held_time()
                                ? DurationFromProto(proto.max_held_time(), "tenant.max_held_time",
                                                    kDefaultHeldTime, &violations)
                                : kDefaultHeldTime;
  settings->quotas.max_events_per_s = proto.quotas().max_events_per_second();
  settings->quotas.max_stored_bytes = proto.quotas().max_stored_bytes();
  settings->quotas.max_webhooks = proto.quotas().max_webhooks();
  for (FieldViolation& violation : Validate(*settings, "tenant")) {
    violations.push_back(std::move(violation));
  }
  return violations;
}

std::string EtagOf(const Tenant& tenant) { return absl::StrCat(tenant.id, "-", tenant.revision); }

absl::StatusOr<std::vector<std::string>> FieldsToChange(const v1::UpdateTenantRequest& request) {
  return FieldsToChange(request.tenant(), request.update_mask(), "a tenant");
}

absl::StatusOr<TenantSettings> ApplyUpdate(const Tenant& current,
                                           const v1::UpdateTenantRequest& request,
                                           const std::vector<std::string>& fields) {
  v1::Tenant merged;
  ToProto(current, 0, &merged);
  MergeFields(
      request.tenant(), fields, [](absl::string_view) { return false; }, &merged);
  TenantSettings settings;
  const std::vector<FieldViolation> violations = FromProto(merged, &settings);
  if (!violations.empty()) return InvalidArgument(violations);
  return settings;
}

}  // namespace latchwire
