// Interprets update calls: the rules of `update_mask`, the same for every resource.
#pragma once

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire {

// `*`: all fields that can be changed.
bool NamesWholeResource(const google::protobuf::FieldMask& mask);

// The names of the fields to change: those of the mask, or without a mask those that are set in
// `resource`. FIELD_INVALID names every path that is unknown or output-only. `what` is for people,
// such as "a webhook".
absl::StatusOr<std::vector<std::string>> FieldsToChange(const google::protobuf::Message& resource,
                                                        const google::protobuf::FieldMask& mask,
                                                        absl::string_view what);

// Copies `fields` from `patch` into `merged`, which has the same type; a field that is absent in
// `patch` is cleared. Fields for which `keep` is true stay as they are.
void MergeFields(const google::protobuf::Message& patch, const std::vector<std::string>& fields,
                 absl::FunctionRef<bool(absl::string_view field)> keep,
                 google::protobuf::Message* merged);

}  // namespace latchwire
