#include "core/program/health.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/check.h"

namespace latchwire {
namespace {

bool IsReason(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return absl::ascii_isupper(byte) || absl::ascii_isdigit(byte) || c == '_';
  });
}

}  // namespace

void Health::Add(HealthStatus status, absl::string_view reason) {
  LATCHWIRE_CHECK(status != HealthStatus::kOk, "ok needs no reason: ", reason);
  LATCHWIRE_CHECK(IsReason(reason), reason);  // goes into the JSON as it is
  status_ = std::max(status_, status);
  reasons_.emplace_back(reason);
}

std::string Health::ToJson() const {
  LATCHWIRE_DCHECK((status_ == HealthStatus::kOk) == reasons_.empty());
  const auto quote = [](std::string* out, absl::string_view reason) {
    absl::StrAppend(out, "\"", reason, "\"");
  };
  return absl::StrCat("{\"status\":\"", HealthStatusName(status_), "\",\"reasons\":[",
                      absl::StrJoin(reasons_, ",", quote), "]}\n");
}

int Health::HttpStatus() const { return status_ == HealthStatus::kRefusing ? 503 : 200; }

absl::string_view HealthStatusName(HealthStatus status) {
  switch (status) {
    case HealthStatus::kOk:
      return "ok";
    case HealthStatus::kDegraded:
      return "degraded";
    case HealthStatus::kRefusing:
      break;
  }
  return "refusing";
}

}  // namespace latchwire
