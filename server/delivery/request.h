// The request of one attempt.
#pragma once

#include "core/domain/event.h"
#include "core/domain/webhook.h"
#include "core/formats/format.h"
#include "core/net/transport.h"

namespace latchwire {

// The event in the webhook's format, signed, with the webhook's timeout and TLS profile.
// Thread-safe.
HttpRequest BuildRequest(const Event& event, const Webhook& webhook, const FormatContext& context);

}  // namespace latchwire
