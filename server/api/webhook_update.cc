#include "server/api/webhook_update.h"

#include <iterator>

#include "absl/algorithm/container.h"
#include "core/formats/format.h"
#include "server/api/status.h"
#include "server/api/update_mask.h"
#include "server/api/webhook_converter.h"

namespace latchwire {
namespace {

// With `*` an absent field gets its default, but for those that the caller cannot have read or
// cannot change.
bool Keep(const v1::UpdateWebhookRequest& request, absl::string_view field) {
  if (!NamesWholeResource(request.update_mask())) return false;
  const v1::Webhook& patch = request.webhook();
  if (field == "secret") return patch.secret().empty();
  if (field == "guarantee") return patch.guarantee() == v1::Webhook::GUARANTEE_UNSPECIFIED;
  return field == "ordering" && patch.ordering() == v1::Webhook::ORDERING_UNSPECIFIED;
}

// A key that nobody can have read stays with its certificate.
void KeepClientKey(const TlsProfile& current, v1::Webhook* merged) {
  if (!merged->has_tls() || !merged->tls().client_key().empty()) return;
  if (merged->tls().client_certificate() == current.certificate_pem) {
    merged->mutable_tls()->set_client_key(current.private_key_pem);
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FieldsToChange(const v1::UpdateWebhookRequest& request) {
  return FieldsToChange(request.webhook(), request.update_mask(), "a webhook");
}

absl::StatusOr<Webhook> ApplyUpdate(const Webhook& current, const v1::UpdateWebhookRequest& request,
                                    const std::vector<std::string>& fields, absl::Time now) {
  v1::Webhook merged;
  ToProto(current, Secrets::kAll, &merged);
  MergeFields(
      request.webhook(), fields, [&](absl::string_view field) { return Keep(request, field); },
      &merged);
  if (current.tls != nullptr) KeepClientKey(*current.tls, &merged);

  Webhook changed = current;
  std::vector<FieldViolation> violations = FromProto(merged, now, &changed);
  if (changed.ordering != current.ordering) {
    violations.push_back({"webhook.ordering", "cannot be changed"});
  }
  if (changed.guarantee != current.guarantee) {
    violations.push_back({"webhook.guarantee", "cannot be changed"});
  }
  absl::c_move(ValidateForFormat(changed, "webhook"), std::back_inserter(violations));
  if (!violations.empty()) return InvalidArgument(violations);
  if (changed.state != current.state) {
    changed.state_time = now;
    changed.state_reason.clear();
  }
  changed.update_time = now;
  return changed;
}

}  // namespace latchwire
