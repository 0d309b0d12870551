// The Standard Webhooks format; docs/formats/standard-webhooks.md states it for receivers.
#pragma once

#include <memory>

#include "core/formats/format.h"

namespace latchwire {

std::unique_ptr<const Format> MakeStandardWebhooksFormat();

}  // namespace latchwire
