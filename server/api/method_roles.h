// The roles that may call each method: one row for every method of every service.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/domain/api_key.h"

namespace google::protobuf {
class ServiceDescriptor;
}

namespace latchwire {

struct MethodRole {
  absl::string_view method;  // such as "latchwire.v1.EventService.GetEvent"
  Role required;
  bool operators_too = false;  // those of any tenant's things, which the method looks after itself
};

absl::Span<const MethodRole> MethodRoles();
std::optional<Role> RequiredRole(absl::string_view method);
// Whether a key with `role` may call `method`, which has a row.
bool MayCall(Role role, absl::string_view method);

// FAILED_PRECONDITION, naming all of them, if a method of `services` has no row or a row no method.
absl::Status CheckMethodRoles(absl::Span<const google::protobuf::ServiceDescriptor* const> services,
                              absl::Span<const MethodRole> roles = MethodRoles());

}  // namespace latchwire
