#include "server/api/update_mask.h"

#include <google/protobuf/descriptor.h>

#include <memory>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "google/api/field_behavior.pb.h"
#include "server/api/status.h"

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

}  // namespace

bool NamesWholeResource(const google::protobuf::FieldMask& mask) {
  return mask.paths_size() == 1 && mask.paths(0) == "*";
}

absl::StatusOr<std::vector<std::string>> FieldsToChange(const google::protobuf::Message& resource,
                                                        const google::protobuf::FieldMask& mask,
                                                        absl::string_view what) {
  const auto* descriptor = resource.GetDescriptor();
  std::vector<std::string> fields;
  if (NamesWholeResource(mask)) {
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (IsChangeable(descriptor->field(i))) fields.push_back(descriptor->field(i)->name());
    }
    return fields;
  }
  if (mask.paths().empty()) {
    std::vector<const FieldDescriptor*> set;
    resource.GetReflection()->ListFields(resource, &set);
    for (const FieldDescriptor* field : set) {
      if (IsChangeable(field)) fields.push_back(field->name());
    }
    return fields;
  }
  std::vector<FieldViolation> violations;
  for (const std::string& path : mask.paths()) {
    const FieldDescriptor* field = descriptor->FindFieldByName(path);
    if (path == "*") {
      violations.push_back({"update_mask", "must have `*` alone or not at all"});
    } else if (field == nullptr) {
      violations.push_back(
          {"update_mask", absl::StrCat("names `", path, "`, which is not a field of ", what,
                                       " (fields inside of others cannot be named)")});
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

void MergeFields(const google::protobuf::Message& patch, const std::vector<std::string>& fields,
                 absl::FunctionRef<bool(absl::string_view field)> keep,
                 google::protobuf::Message* merged) {
  const std::unique_ptr<google::protobuf::Message> taken(patch.New());
  taken->CopyFrom(patch);
  const auto* descriptor = merged->GetDescriptor();
  const auto* reflection = merged->GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    const bool changes = absl::c_linear_search(fields, field->name()) && !keep(field->name());
    reflection->ClearField(changes ? merged : taken.get(), field);
  }
  merged->MergeFrom(*taken);
}

}  // namespace latchwire
