// What an UpdateWebhook call asks for, apart from how the result is written. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/domain/webhook.h"
#include "latchwire/v1/webhook_service.pb.h"

namespace latchwire {

// Returns the names of the fields to change, by the rules of UpdateWebhookRequest.update_mask.
// FIELD_INVALID names every path that is unknown or output-only.
absl::StatusOr<std::vector<std::string>> FieldsToChange(const v1::UpdateWebhookRequest& request);

// Returns `current` with `fields` taken from the request's webhook, checked by ValidateForFormat. A
// field that is absent there gets its default. With `*` an absent secret, which a caller cannot
// have read, stays, and so do ordering and guarantee, which cannot be changed (FIELD_INVALID). A
// new secret replaces all at once, as of `now`. A client key that is left out stays as long as its
// certificate does.
absl::StatusOr<Webhook> ApplyUpdate(const Webhook& current, const v1::UpdateWebhookRequest& request,
                                    const std::vector<std::string>& fields, absl::Time now);

}  // namespace latchwire
