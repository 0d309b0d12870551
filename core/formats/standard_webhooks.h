// The Standard Webhooks format; docs/formats/standard-webhooks.md states it for receivers.
#pragma once

#include "core/formats/format.h"

namespace latchwire {

class StandardWebhooksFormat : public Format {
 public:
  std::string MessageId(const Event& event, const Webhook& webhook) const override;
  HttpRequest Render(const Event& event, const Webhook& webhook,
                     const FormatContext& context) const override;
  absl::Status CheckSecret(absl::string_view secret) const override;
  std::string MakeSecret(Random* random) const override;
  std::vector<std::string> ReservedHeaders() const override;
  Event TestEvent(const Webhook& webhook) const override;
};

}  // namespace latchwire
