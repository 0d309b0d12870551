#include "clients/cpp/verify.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/crypto.h"

namespace latchwire::verify {
namespace {

constexpr char kReasonUrl[] = "latchwire.dev/verify-reason";

absl::Status Refuse(absl::string_view reason, absl::string_view message) {
  absl::Status status = reason == "SECRET_INVALID" ? absl::InvalidArgumentError(message)
                                                   : absl::UnauthenticatedError(message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::StatusOr<absl::string_view> Find(Headers headers, absl::string_view name) {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, name) && !value.empty()) return absl::string_view(value);
  }
  return Refuse("HEADER_MISSING", absl::StrCat("the header ", name, " is missing"));
}

absl::Status CheckTime(absl::string_view text, int64_t units_per_second, const TimeCheck& check) {
  int64_t units = 0;
  const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || text.size() > 18 || !absl::SimpleAtoi(text, &units)) {
    return Refuse("TIMESTAMP_INVALID", "the timestamp is not a number");
  }
  const absl::Time time = absl::UnixEpoch() + absl::Seconds(units) / units_per_second;
  if (absl::AbsDuration(check.now - time) > check.tolerance) {
    return Refuse("TIMESTAMP_OUT_OF_TOLERANCE", "the timestamp is too old or in the future");
  }
  return absl::OkStatus();
}

absl::Status Verdict(bool fits) {
  return fits ? absl::OkStatus() : Refuse("SIGNATURE_MISMATCH", "no signature fits the secret");
}

absl::Status CheckHex(Secrets secrets, absl::string_view signature,
                      std::initializer_list<absl::string_view> signed_parts) {
  if (secrets.empty()) return Refuse("SECRET_INVALID", "no secret was given");
  const std::string given = absl::AsciiStrToLower(signature);
  bool fits = false;
  for (const std::string& secret : secrets) {
    if (secret.empty()) return Refuse("SECRET_INVALID", "an empty secret verifies nothing");
    const std::string expected = HexEncode(AsBytes(HmacSha256(secret, signed_parts)));
    fits |= ConstantTimeEquals(expected, given);
  }
  return Verdict(fits);
}

}  // namespace

absl::Status Standard(Secrets secrets, Headers headers, absl::string_view body,
                      const TimeCheck& time) {
  const auto id = Find(headers, "webhook-id");
  if (!id.ok()) return id.status();
  const auto timestamp = Find(headers, "webhook-timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto signatures = Find(headers, "webhook-signature");
  if (!signatures.ok()) return signatures.status();
  if (absl::Status status = CheckTime(*timestamp, 1, time); !status.ok()) return status;

  if (secrets.empty()) return Refuse("SECRET_INVALID", "no secret was given");
  bool fits = false;
  for (const std::string& secret : secrets) {
    const std::optional<std::string> key = Base64Decode(absl::StripPrefix(secret, "whsec_"));
    if (!key.has_value() || key->empty()) {
      return Refuse("SECRET_INVALID", "the secret is not `whsec_` followed by base64");
    }
    const std::string expected =
        Base64Encode(AsBytes(HmacSha256(*key, {*id, ".", *timestamp, ".", body})));
    for (absl::string_view signature : absl::StrSplit(*signatures, ' ')) {
      if (absl::ConsumePrefix(&signature, "v1,")) fits |= ConstantTimeEquals(expected, signature);
    }
  }
  return Verdict(fits);
}

absl::Status Twenty(Secrets secrets, Headers headers, absl::string_view body,
                    const TimeCheck& time) {
  const auto timestamp = Find(headers, "x-twenty-webhook-timestamp");
  if (!timestamp.ok()) return timestamp.status();
  const auto signature = Find(headers, "x-twenty-webhook-signature");
  if (!signature.ok()) return signature.status();
  if (absl::Status status = CheckTime(*timestamp, 1000, time); !status.ok()) return status;
  return CheckHex(secrets, *signature, {*timestamp, ":", body});
}

absl::Status Panel(Secrets secrets, Headers headers, absl::string_view body) {
  const auto signature = Find(headers, "x-webhook-signature");
  if (!signature.ok()) return signature.status();
  return CheckHex(secrets, *signature, {body});
}

std::string ReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> reason = status.GetPayload(kReasonUrl);
  return reason.has_value() ? std::string(*reason) : std::string();
}

}  // namespace latchwire::verify
