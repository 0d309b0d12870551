// Webhooks: protobuf <-> domain, with the API's defaults.
#pragma once

#include <vector>

#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "latchwire/v1/webhook.pb.h"

namespace latchwire {

enum class Secrets {
  kAll,      // for the server's own use
  kCreated,  // what the answer to Create shows: the secret, but no client key
  kHeaders,  // what admins see: headers whole, no secret
  kNone,     // what viewers see: also without the header Authorization and the URL's query
};
// All but the status, which is not the webhook's own.
void ToProto(const Webhook& webhook, Secrets secrets, v1::Webhook* proto);

// Sets every field of `webhook` that a user can change; those that are absent in `proto` get the
// default of webhook.proto or of the format, but an absent secret leaves none. A secret that differs
// from the newest replaces them all, created at `now`. Returns what cannot be converted; paths begin with "webhook". Values out of their range are ValidateForFormat's
// business. A state of STATE_SUSPENDED is refused unless `webhook` has it.
std::vector<FieldViolation> FromProto(const v1::Webhook& proto, absl::Time now, Webhook* webhook);

// Changes with every change, and differs between two webhooks that had the same id.
std::string EtagOf(const Webhook& webhook);

}  // namespace latchwire
