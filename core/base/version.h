// The version that --version, User-Agent and the agent's hello show.
#pragma once

#include "absl/strings/string_view.h"

namespace latchwire {

// Latchwire's own version, such as "0.1.0".
absl::string_view LatchwireVersion();

}  // namespace latchwire
