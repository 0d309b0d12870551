#include "server/api/webhook_update.h"

#include <google/protobuf/descriptor.h>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "google/api/field_behavior.pb.h"
#include "server/api/status.h"
#include "server/api/webhook_converter.h"

namespace latchwire {
namespace {

using google::protobuf::FieldDescriptor;

bool IsOutputOnly(const FieldDescriptor* field) {
  const auto& options = field->options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == google::api::OUTPUT_ONLY) {
      return true;
    }
  }
  return false;
}

// The etag is a condition, not a field to change.
bool IsChangeable(const FieldDescriptor* field) {
  return !IsOutputOnly(field) && field->name() != "etag";
}

bool WholeResource(const v1::UpdateWebhookRequest& request) {
  return request.update_mask().paths_size() == 1 && request.update_mask().paths(0) == "*";
}

// With `*` an absent field gets its default, but for those that the caller cannot have read or
// cannot change.
bool Keep(const v1::UpdateWebhookRequest& request, const FieldDescriptor* field) {
  if (!WholeResource(request)) return false;
  if (field->name() == "secret") return request.webhook().secret().empty();
  return field->name() == "ordering" &&
         request.webhook().ordering() == v1::Webhook::ORDERING_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FieldsToChange(const v1::UpdateWebhookRequest& request) {
  const auto* descriptor = v1::Webhook::descriptor();
  std::vector<std::string> fields;
  if (WholeResource(request)) {
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (IsChangeable(descriptor->field(i))) fields.push_back(descriptor->field(i)->name());
    }
    return fields;
  }
  if (request.update_mask().paths().empty()) {
    std::vector<const FieldDescriptor*> set;
    request.webhook().GetReflection()->ListFields(request.webhook(), &set);
    for (const FieldDescriptor* field : set) {
      if (IsChangeable(field)) fields.push_back(field->name());
    }
    return fields;
  }
  std::vector<FieldViolation> violations;
  for (const std::string& path : request.update_mask().paths()) {
    const FieldDescriptor* field = descriptor->FindFieldByName(path);
    if (path == "*") {
      violations.push_back({"update_mask", "must have `*` alone or not at all"});
    } else if (field == nullptr) {
      violations.push_back({"update_mask", absl::StrCat("names `", path,
                                                        "`, which is no field of a webhook (fields "
                                                        "inside of others cannot be named)")});
    } else if (IsOutputOnly(field)) {
      violations.push_back(
          {"update_mask", absl::StrCat("names `", path, "`, which is output-only")});
    } else if (IsChangeable(field) && !absl::c_linear_search(fields, path)) {
      fields.push_back(path);
    }
  }
  if (!violations.empty()) return InvalidArgument(violations);
  return fields;
}

absl::StatusOr<Webhook> ApplyUpdate(const Webhook& current, const v1::UpdateWebhookRequest& request,
                                    const std::vector<std::string>& fields, absl::Time now) {
  v1::Webhook merged;
  ToProto(current, Secrets::kAll, &merged);
  v1::Webhook patch = request.webhook();
  const auto* descriptor = v1::Webhook::descriptor();
  const auto* reflection = merged.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (absl::c_linear_search(fields, field->name()) && !Keep(request, field)) {
      reflection->ClearField(&merged, field);
    } else {
      reflection->ClearField(&patch, field);
    }
  }
  merged.MergeFrom(patch);

  Webhook changed = current;
  std::vector<FieldViolation> violations = FromProto(merged, &changed);
  if (changed.ordering != current.ordering) {
    violations.push_back({"webhook.ordering", "cannot be changed"});
  }
  if (changed.secret.empty() && !current.secret.empty()) {
    violations.push_back({"webhook.secret", "cannot be taken away: give the new one"});
  }
  if (!violations.empty()) return InvalidArgument(violations);
  if (changed.state != current.state) {
    changed.state_time = now;
    changed.state_reason.clear();
  }
  changed.update_time = now;
  return changed;
}

}  // namespace latchwire
