// The ports of receivers that an operator lets webhooks use.
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

// Parses "443" or "80,443,8000-8999"; empty gives none. INVALID_ARGUMENT names the wrong part.
absl::StatusOr<std::vector<PortRange>> ParsePortRanges(absl::string_view text);

bool ContainsPort(const std::vector<PortRange>& ranges, uint16_t port);

}  // namespace latchwire
