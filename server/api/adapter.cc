#include "server/api/adapter.h"

#include <google/protobuf/descriptor.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_reason.h"
#include "server/api/method_roles.h"

namespace latchwire {
namespace {

constexpr absl::string_view kScheme = "Bearer ";

absl::Status Missing() {
  return MakeError(absl::StatusCode::kUnauthenticated, error_reason::kApiKeyMissing,
                   "the call needs the metadata `authorization: Bearer <id>.<secret>`");
}

absl::Status Invalid() {
  return MakeError(absl::StatusCode::kUnauthenticated, error_reason::kApiKeyInvalid,
                   "the API key is unknown, wrong or deleted");
}

}  // namespace

absl::StatusOr<CallContext> Authenticator::Authenticate(const grpc::ServerContextBase& context,
                                                        absl::string_view method) const {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return Missing();
  return Authenticate(absl::string_view(found->second.data(), found->second.size()), method);
}

absl::StatusOr<CallContext> Authenticator::Authenticate(absl::string_view authorization,
                                                        absl::string_view method) const {
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return Missing();
  const auto token = ParseToken(authorization.substr(kScheme.size()));
  if (!token) return Missing();

  std::optional<ApiKey> key = configuration_->FindApiKey(token->first);
  const bool known = key.has_value();
  if (!known) key.emplace().secret_hash.assign(32, '\0');
  const bool fits = SecretFits(*key, token->second);
  if (!known || !fits) return Invalid();

  const std::optional<Role> required = RequiredRole(method);
  if (!required) return absl::InternalError(absl::StrCat(method, " has no role"));
  if (!MayCall(key->role, method)) {
    return MakeError(
        absl::StatusCode::kPermissionDenied, error_reason::kRoleInsufficient,
        absl::StrCat("a key with role ", RoleName(key->role), " may not call this method, which ",
                     "needs role ", RoleName(*required)),
        {{"role", std::string(RoleName(key->role))},
         {"required", std::string(RoleName(*required))}});
  }
  return CallContext{key->tenant, std::move(key->id), key->role, std::move(key->agent)};
}

void AuthenticatedService::AddRpc(
    absl::string_view method, grpc::internal::RpcMethod::RpcType type,
    absl::FunctionRef<grpc::internal::MethodHandler*(const std::string*)> make_handler) {
  const int index = static_cast<int>(methods_.size());
  methods_.insert(std::string(method));
  const std::string& path = names_.emplace_back(absl::StrCat("/", service_, "/", method));
  const std::string& full_name = names_.emplace_back(absl::StrCat(service_, ".", method));
  AddMethod(new grpc::internal::RpcServiceMethod(path.c_str(), type, nullptr));
  MarkMethodCallback(index, make_handler(&full_name));
}

absl::Status AuthenticatedService::CheckComplete() const {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service_);
  if (descriptor == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(service_, " is not a known service"));
  }
  std::set<std::string> missing;
  for (int i = 0; i < descriptor->method_count(); ++i)
    missing.insert(descriptor->method(i)->name());
  std::vector<std::string> unknown;
  for (const std::string& method : methods_) {
    if (missing.erase(method) == 0) unknown.push_back(method);
  }
  if (missing.empty() && unknown.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(service_, ": methods without a handler: [", absl::StrJoin(missing, ", "),
                   "], handlers without a method: [", absl::StrJoin(unknown, ", "), "]"));
}

}  // namespace latchwire
