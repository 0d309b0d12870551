// How an event becomes a request: one file per format, one row per format in registry.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/random.h"
#include "core/domain/event.h"
#include "core/domain/limits.h"
#include "core/domain/validation.h"
#include "core/domain/webhook.h"
#include "core/http/message.h"

namespace latchwire {

// What differs between the attempts of one delivery.
struct FormatContext {
  absl::Time attempt_time;
  int attempt_number = 1;  // 1 is the first attempt
  // Time between the event's first durable receipt and `attempt_time`; never negative.
  absl::Duration event_age = absl::ZeroDuration();
  // Source of a nonce, for formats that send one. Not null in the engine.
  Random* random = nullptr;
};

// What a webhook of the format gets for a field that its user leaves out.
struct FormatDefaults {
  absl::string_view method = "POST";  // the method of every request; users cannot change it
  absl::Duration timeout = kDefaultTimeout;
  RetryPolicy retry_policy = RetryPolicy::Default();
  RetryPolicy ordered_retry_policy = RetryPolicy::DefaultOrdered();  // with an ordering
};

// Whether a webhook of the format has a secret, and what it may be.
struct SecretPolicy {
  enum class Use {
    kNone,      // a secret is refused
    kOptional,  // without one, requests go out unsigned
    kRequired,  // the server makes one where the user gives none
  };
  Use use = Use::kRequired;
  // Limits of the key that SecretKey returns, inclusive.
  size_t min_key_bytes = 1;
  size_t max_key_bytes = 0;
  // What users write before "<min> to <max> bytes", for messages.
  absl::string_view spelling;
};

// Stateless and thread-safe.
class Format {
 public:
  virtual ~Format() = default;

  virtual const FormatDefaults& Defaults() const = 0;

  virtual const SecretPolicy& Secrets() const = 0;
  // Decodes the key out of `secret`, which is as the user writes it; nullopt if it can't be.
  virtual std::optional<std::string> SecretKey(absl::string_view secret) const = 0;
  // Makes a secret that fits the policy. Not called if the policy is kNone.
  virtual std::string MakeSecret(Random* random) const = 0;

  // Names, in lower case, of the headers that the format itself sets, so that users cannot.
  virtual absl::Span<const absl::string_view> ReservedHeaders() const = 0;

  // Whether `webhook` gets `event`, which fits its matches. For formats that select by fields of
  // their own; called once per event and webhook when the event is accepted.
  virtual bool Accepts(const Webhook& webhook, const Event& event) const;

  // Returns the message id, equal on all attempts: the event's id, a dot, and a token that stands
  // for the webhook and never changes.
  virtual std::string MessageId(const Event& event, const Webhook& webhook) const = 0;
  // Returns the whole request with its signature, but for what its sender sets: timeout, limit and
  // TLS. Never fails: what could make it fail is refused by ValidateForFormat when the webhook is
  // saved.
  virtual HttpRequest Render(const Event& event, const Webhook& webhook,
                             const FormatContext& context) const = 0;
  // Returns an event with the format's example payload, for SendTestEvent. The caller fills in its
  // id and times.
  virtual Event TestEvent(const Webhook& webhook) const = 0;
};

// One row per format, in the order of their numbers. The number of `format` is the one by which
// the store and the API (latchwire.v1.Webhook.Format) know it too.
struct FormatRow {
  WebhookFormat format;
  absl::string_view name;  // as in the API, without FORMAT_
  std::unique_ptr<const Format> (*make)();
};
absl::Span<const FormatRow> FormatRows();

// Returns nullopt for a number that no row has: one of a request, or of a store that a newer
// program wrote.
std::optional<WebhookFormat> FormatOfNumber(int64_t number);

// Never null. `format` must have a row. The result lives as long as the process.
const Format* GetFormat(WebhookFormat format);

// The one check of a webhook before it is saved: Validate of core/domain, and what only its format
// can judge: the secrets, which are made before where the server makes one, and headers that the
// format sets itself. `webhook.secrets` must be AreOrderly. Returns all violations; `prefix`, such
// as "webhook", leads their paths.
std::vector<FieldViolation> ValidateForFormat(const Webhook& webhook, absl::string_view prefix);

}  // namespace latchwire
