// How an event becomes a request, one file per format; and the registry of formats.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/random.h"
#include "core/domain/event.h"
#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "core/http/message.h"

namespace latchwire {

struct FormatContext {
  absl::Time attempt_time;
  int attempt_number = 1;
};

// Stateless and thread-safe.
class Format {
 public:
  virtual ~Format() = default;
  // The message id, equal on all attempts: event id + "." + a token of the webhook that never
  // changes.
  virtual std::string MessageId(const Event& event, const Webhook& webhook) const = 0;
  // The whole request with its signature, but for what its sender sets: timeout, limit, TLS. Never fails: what could is refused when the webhook is
  // saved.
  virtual HttpRequest Render(const Event& event, const Webhook& webhook,
                             const FormatContext& context) const = 0;
  // Says what is wrong with `secret` for this format; OK if nothing.
  virtual absl::Status CheckSecret(absl::string_view secret) const = 0;
  // A fresh secret in this format.
  virtual std::string MakeSecret(Random* random) const = 0;
  // Lower-case names of headers that the format sets itself, which users therefore cannot.
  virtual std::vector<std::string> ReservedHeaders() const = 0;
  // An event with this format's example payload, for SendTestEvent. Without id and times: the
  // caller's to fill.
  virtual Event TestEvent(const Webhook& webhook) const = 0;
};

// Never null.
const Format* GetFormat(WebhookFormat format);

// What only the webhook's format can judge, beside Validate of core/domain: the secret (to be
// filled in before, where the server makes it) and headers that the format sets itself.
std::vector<FieldViolation> ValidateForFormat(const Webhook& webhook, absl::string_view prefix);

}  // namespace latchwire
