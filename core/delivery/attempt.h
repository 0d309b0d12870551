// What an attempt is made of and what it means: from the transport's result to the domain's
// attempt, and from that to the delivery as it is afterwards.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/domain/delivery.h"
#include "core/domain/webhook.h"
#include "core/http/result.h"

namespace latchwire {

// False if nothing was sent because the transport refused the request for reasons of its own (it is
// full, or stopping). That is no attempt: it says nothing about the receiver and counts for
// nothing.
bool WasAttempted(const HttpResult& result);

// The attempt as it is recorded. It has either an http_status or an error with its detail.
// `number`: 1 for the delivery's first.
Attempt MakeAttempt(int number, absl::Time start_time, HttpResult result);

// Judges `attempt` and brings `delivery`, which is as it was before, to what it is afterwards:
// state, due_time, counts and last errors. `webhook` is null if it was deleted while the attempt
// was in flight; the delivery then is not retried. `retry_after` is the header's value as sent.
// `jitter`: see Judge.
Outcome ApplyAttempt(const Attempt& attempt, absl::string_view retry_after, const Webhook* webhook,
                     double jitter, absl::Time now, Delivery& delivery);

}  // namespace latchwire
