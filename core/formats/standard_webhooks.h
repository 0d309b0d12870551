// The Standard Webhooks format; docs/formats/standard-webhooks.md states it for receivers.
#pragma once

#include <optional>

#include "core/formats/format.h"

namespace latchwire {

class StandardWebhooksFormat : public Format {
 public:
  std::string MessageId(const Event& event, const Webhook& webhook) const override;
  FormattedRequest Render(const Event& event, const Webhook& webhook,
                          const FormatContext& context) const override;
  absl::Status CheckSecret(absl::string_view secret) const override;
  std::string MakeSecret(Random* random) const override;
  std::vector<std::string> ReservedHeaders() const override;
  Event TestEvent(const Webhook& webhook) const override;
};

// The key in `whsec_<base64>`; the prefix may be left out. Nothing when it isn't base64, or empty.
std::optional<std::string> DecodeStandardSecret(absl::string_view secret);

// `v1,<base64>` over `<id>.<timestamp>.<body>`. `key` is decoded.
std::string StandardSignature(absl::string_view key, absl::string_view message_id,
                              absl::string_view timestamp, absl::string_view body);

}  // namespace latchwire
