// Builds and judges attempts: turns event and webhook into the request, the transport's result into
// the domain's attempt, and that into the delivery's new state.
//
// Pure functions, thread-safe.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/event.h"
#include "core/domain/webhook.h"
#include "core/formats/format.h"
#include "core/http/message.h"
#include "core/http/result.h"

namespace latchwire {

// The event in the webhook's format, signed, with the webhook's timeout and TLS profile. Never
// fails: whatever could fail is refused when the webhook is saved.
HttpRequest BuildRequest(const Event& event, const Webhook& webhook, const FormatContext& context);

// False if nothing was sent because the transport refused the request for reasons of its own (it is
// full or stopping). That does not count as an attempt: it says nothing about the receiver.
bool WasAttempted(const HttpResult& result);

// The attempt as it is recorded. It has either an http_status or an error with its detail.
// `number`: 1 for the delivery's first.
Attempt MakeAttempt(int number, absl::Time start_time, HttpResult result);

// Judges `attempt` and updates `delivery`, which is as it was before the attempt: state, due_time,
// counts and last errors. `webhook` is null if it was deleted while the attempt was in flight; the
// delivery then is not retried. `retry_after` is the header's value as sent. `jitter`: see Judge.
Outcome ApplyAttempt(const Attempt& attempt, absl::string_view retry_after, const Webhook* webhook,
                     double jitter, absl::Time now, Delivery& delivery);

}  // namespace latchwire
