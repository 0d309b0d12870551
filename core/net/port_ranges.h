// Which ports of receivers an operator lets webhooks use.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire {

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;  // included
};

// "443", "80,443,8000-8999"; empty gives none. INVALID_ARGUMENT names the part that is wrong.
absl::StatusOr<std::vector<PortRange>> ParsePortRanges(absl::string_view text);

bool ContainsPort(const std::vector<PortRange>& ranges, uint16_t port);

}  // namespace latchwire
