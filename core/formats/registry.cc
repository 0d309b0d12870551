// The table of formats, and what needs it.
#include <algorithm>
#include <array>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/domain/violations.h"
#include "core/formats/format.h"
#include "core/formats/standard_webhooks.h"

namespace latchwire {
namespace {

constexpr FormatRow kRows[] = {
    {WebhookFormat::kStandardWebhooks, "STANDARD_WEBHOOKS", &MakeStandardWebhooksFormat},
};

constexpr size_t NumberOf(WebhookFormat format) { return static_cast<size_t>(format); }

// By number; a number that no row has is null.
using FormatsByNumber = std::array<const Format*, NumberOf(std::end(kRows)[-1].format) + 1>;

FormatsByNumber MakeFormats() {
  FormatsByNumber formats = {};
  for (const FormatRow& row : kRows) {
    LATCHWIRE_CHECK(NumberOf(row.format) < formats.size(), "rows go by their numbers");
    LATCHWIRE_CHECK(formats[NumberOf(row.format)] == nullptr, row.name, " has another's number");
    formats[NumberOf(row.format)] = row.make().release();
  }
  return formats;
}

bool SecretFits(const Format& format, absl::string_view secret) {
  const SecretPolicy& policy = format.Secrets();
  const std::optional<std::string> key = format.SecretKey(secret);
  return key && key->size() >= policy.min_key_bytes && key->size() <= policy.max_key_bytes;
}

void CheckSecrets(const Format& format, const std::vector<WebhookSecret>& secrets,
                  absl::string_view path, std::vector<FieldViolation>* violations) {
  LATCHWIRE_CHECK(AreOrderly(secrets));
  const SecretPolicy& policy = format.Secrets();
  if (policy.use == SecretPolicy::Use::kNone) {
    if (!secrets.empty()) {
      violations->push_back({std::string(path), "must be left out: the format has no secret"});
    }
    return;
  }
  const bool missing = secrets.empty() && policy.use == SecretPolicy::Use::kRequired;
  if (!missing && absl::c_all_of(secrets, [&format](const WebhookSecret& secret) {
        return SecretFits(format, secret.value);
      })) {
    return;
  }
  // The text itself is a secret: it must not stand in the error.
  violations->push_back(
      {std::string(path), absl::StrCat("must be ", policy.spelling, " ", policy.min_key_bytes,
                                       " to ", policy.max_key_bytes, " bytes")});
}

}  // namespace

bool Format::Accepts(const Webhook&, const Event&) const { return true; }

absl::Span<const FormatRow> FormatRows() { return kRows; }

std::optional<WebhookFormat> FormatOfNumber(int64_t number) {
  for (const FormatRow& row : kRows) {
    if (static_cast<int64_t>(row.format) == number) return row.format;
  }
  return std::nullopt;
}

const Format* GetFormat(WebhookFormat format) {
  static const FormatsByNumber kFormats = MakeFormats();
  const size_t number = NumberOf(format);
  LATCHWIRE_CHECK(number < kFormats.size() && kFormats[number] != nullptr, "no format ", number);
  return kFormats[number];
}

std::vector<FieldViolation> ValidateForFormat(const Webhook& webhook, absl::string_view prefix) {
  std::vector<FieldViolation> violations = Validate(webhook, prefix);
  const std::string lead = prefix.empty() ? "" : absl::StrCat(prefix, ".");
  const Format& format = *GetFormat(webhook.format);
  CheckSecrets(format, webhook.secrets, absl::StrCat(lead, "secret"), &violations);
  const absl::Span<const absl::string_view> reserved = format.ReservedHeaders();
  for (const auto& [name, value] : webhook.headers) {
    const std::string lower = absl::AsciiStrToLower(name);
    if (std::find(reserved.begin(), reserved.end(), lower) != reserved.end()) {
      violations.push_back({absl::StrCat(lead, EntryPath("headers", name)),
                            "is set by the webhook's format and cannot be set by the user"});
    }
  }
  return violations;
}

}  // namespace latchwire
