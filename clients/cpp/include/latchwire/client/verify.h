// Verifies the signature of a webhook that arrived.
//
// `body` is the request's body exactly as it came, byte for byte; header names match in any case.
// The functions are thread-safe and compare in constant time. They return OK when a signature fits
// one of the secrets, kUnauthenticated when the request must not be trusted, and kInvalidArgument
// when a secret is missing, empty or can't be decoded, which is the caller's own mistake.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace latchwire::client::verify {

using Headers = absl::Span<const std::pair<std::string, std::string>>;
// There are several during a rotation; one that fits is enough.
using Secrets = absl::Span<const std::string>;

// A signed time may be off by `tolerance` either way, inclusive. That limits for how long a copied
// request can be replayed.
struct TimeCheck {
  absl::Duration tolerance = absl::Minutes(5);
  std::optional<absl::Time> now = std::nullopt;  // unset: the system clock's
};

// Standard Webhooks, symmetric (v1); signatures of other versions are skipped. Secrets are `whsec_`
// followed by base64.
absl::Status Standard(Secrets secrets, Headers headers, absl::string_view body,
                      const TimeCheck& time = {});

// Twenty CRM: hex HMAC-SHA256 of `<timestamp in milliseconds>:<body>`.
absl::Status Twenty(Secrets secrets, Headers headers, absl::string_view body,
                    const TimeCheck& time = {});

// Door panels: hex HMAC-SHA256 of the body. The time is not signed, so a copied request stays
// valid.
absl::Status Panel(Secrets secrets, Headers headers, absl::string_view body);

// The reason for a refusal: SECRET_INVALID, HEADER_MISSING, TIMESTAMP_INVALID,
// TIMESTAMP_OUT_OF_TOLERANCE or SIGNATURE_MISMATCH; empty for OK.
std::string ReasonOf(const absl::Status& status);

}  // namespace latchwire::client::verify
