// A program's answer at /readyz: whether it takes work, and if not, why. The gateway answers in the
// same form.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace latchwire {

// Ordered from best to worst.
enum class HealthStatus {
  kOk,        // takes work, and all is well
  kDegraded,  // takes work, but something needs attention
  kRefusing,  // answers new work with an error
};

class Health {
 public:
  // Worsens the status to `status`, unless it is worse already, and adds the reason. `reason` is an
  // error reason of the API if there is one ("STORE_UNAVAILABLE"), else a similar word of A-Z, 0-9
  // and _. `status` is not kOk, which needs no reason.
  void Add(HealthStatus status, absl::string_view reason);

  HealthStatus status() const { return status_; }
  const std::vector<std::string>& reasons() const { return reasons_; }  // in the order added

  // `{"status":"degraded","reasons":["SERVER_UNREACHABLE"]}` and a line end.
  std::string ToJson() const;
  // 503 while refusing, so that a load balancer looks elsewhere; else 200.
  int HttpStatus() const;

  static constexpr absl::string_view kContentType = "application/json";

 private:
  HealthStatus status_ = HealthStatus::kOk;
  std::vector<std::string> reasons_;
};

// "ok", "degraded" or "refusing".
absl::string_view HealthStatusName(HealthStatus status);

}  // namespace latchwire
