#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/formats/format.h"
#include "core/formats/standard_webhooks.h"

namespace latchwire {

const Format* GetFormat(WebhookFormat format) {
  static const StandardWebhooksFormat* const kStandardWebhooks = new StandardWebhooksFormat;
  switch (format) {
    case WebhookFormat::kStandardWebhooks:
      return kStandardWebhooks;
  }
  // A value that is none of the enum's, out of a damaged store: the default, so never null.
  return kStandardWebhooks;
}

std::vector<FieldViolation> ValidateForFormat(const Webhook& webhook, absl::string_view prefix) {
  std::vector<FieldViolation> violations;
  const std::string lead = prefix.empty() ? "" : absl::StrCat(prefix, ".");
  const Format* const format = GetFormat(webhook.format);
  if (const absl::Status status = format->CheckSecret(webhook.secret); !status.ok()) {
    violations.push_back({absl::StrCat(lead, "secret"), std::string(status.message())});
  }
  const std::vector<std::string> reserved = format->ReservedHeaders();
  for (const auto& [name, value] : webhook.headers) {
    const std::string lower = absl::AsciiStrToLower(name);
    if (std::find(reserved.begin(), reserved.end(), lower) != reserved.end()) {
      violations.push_back({absl::StrCat(lead, "headers[\"", name, "\"]"),
                            "is set by the webhook's format, and cannot be set"});
    }
  }
  return violations;
}

}  // namespace latchwire
