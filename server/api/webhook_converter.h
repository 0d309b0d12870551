// Webhooks: protobuf <-> domain, with the API's defaults. Thread-safe.
#pragma once

#include <vector>

#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "latchwire/v1/webhook.pb.h"

namespace latchwire {

// Which of a webhook's secrets are shown. The times of its signing secrets always are.
enum class Secrets {
  kAll,      // for the server's own use
  kCreated,  // the answer to Create: signing secrets, but no client key
  kHeaders,  // what admins see: all headers, no signing secret
  kNone,     // what viewers see: neither the header Authorization nor the URL's query either
};
// Sets all but the status, which StatusToProto sets.
void ToProto(const Webhook& webhook, Secrets secrets, v1::Webhook* proto);

// Sets every field of `webhook` that a user can change. Those that are absent in `proto` get the
// default of webhook.proto or of the format, but an absent secret leaves none. A secret other than
// the newest replaces them all, created at `now`. Returns what cannot be converted; paths begin
// with "webhook". ValidateForFormat checks the ranges. A state of STATE_SUSPENDED is refused unless
// `webhook` has it.
std::vector<FieldViolation> FromProto(const v1::Webhook& proto, absl::Time now, Webhook* webhook);

// Returns a value that changes with every change, and differs between two webhooks that had the
// same id.
std::string EtagOf(const Webhook& webhook);

}  // namespace latchwire
