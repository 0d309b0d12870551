// Verifies the signature of a webhook that arrived.
//
// `body` is the request's body exactly as it came; header names are found in any case. The
// functions are thread-safe and compare in constant time. Anything but OK is kUnauthenticated (do
// not trust the request), or kInvalidArgument when a secret cannot be one.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/clock.h"

namespace latchwire::verify {

using Headers = absl::Span<const std::pair<std::string, std::string>>;
// Several during a rotation: one that fits is enough.
using Secrets = absl::Span<const std::string>;

// Where the time is signed, it may be off by `tolerance` either way, which limits for how long a
// copied request can be played again.
struct TimeCheck {
  absl::Duration tolerance = absl::Minutes(5);
  absl::Time now = SystemClock()->Now();
};

// Standard Webhooks, symmetric (v1). Secrets are `whsec_` followed by base64.
absl::Status Standard(Secrets secrets, Headers headers, absl::string_view body,
                      const TimeCheck& time = {});

// Twenty CRM: hex HMAC-SHA256 of `<timestamp in milliseconds>:<body>`.
absl::Status Twenty(Secrets secrets, Headers headers, absl::string_view body,
                    const TimeCheck& time = {});

// Door panels: hex HMAC-SHA256 of the body. The time is not signed, so a copied request stays
// valid.
absl::Status Panel(Secrets secrets, Headers headers, absl::string_view body);

// Why: SECRET_INVALID, HEADER_MISSING, TIMESTAMP_INVALID, TIMESTAMP_OUT_OF_TOLERANCE or
// SIGNATURE_MISMATCH; empty for OK.
std::string ReasonOf(const absl::Status& status);

}  // namespace latchwire::verify
