// The public face of core/signatures: its own error codes, and no header of ours to include.
#include "latchwire/client/verify.h"

#include "absl/strings/cord.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/signatures/panel.h"
#include "core/signatures/standard.h"
#include "core/signatures/twenty.h"

namespace latchwire::client::verify {
namespace {

constexpr char kReasonUrl[] = "latchwire.dev/verify-reason";

absl::Status ToPublic(const absl::Status& verdict) {
  if (verdict.ok()) return verdict;
  const std::string reason = ::latchwire::ReasonOf(verdict);
  absl::Status status(reason == signature_reason::kSecretInvalid
                          ? absl::StatusCode::kInvalidArgument
                          : absl::StatusCode::kUnauthenticated,
                      verdict.message());
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::Time NowOf(const TimeCheck& time) { return time.now ? *time.now : SystemClock()->Now(); }

}  // namespace

absl::Status Standard(Secrets secrets, Headers headers, absl::string_view body,
                      const TimeCheck& time) {
  return ToPublic(VerifyStandard(secrets, headers, body, NowOf(time), time.tolerance));
}

absl::Status Twenty(Secrets secrets, Headers headers, absl::string_view body,
                    const TimeCheck& time) {
  return ToPublic(VerifyTwenty(secrets, headers, body, NowOf(time), time.tolerance));
}

absl::Status Panel(Secrets secrets, Headers headers, absl::string_view body) {
  return ToPublic(VerifyPanel(secrets, headers, body));
}

std::string ReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> reason = status.GetPayload(kReasonUrl);
  return reason.has_value() ? std::string(*reason) : std::string();
}

}  // namespace latchwire::client::verify
