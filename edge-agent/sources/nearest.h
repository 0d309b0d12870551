// The path that somebody meant who wrote another.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace latchwire::edge {

// The one of `paths` that is fewest edits away from `given` (case counts for nothing), if a third of
// it or less is wrong; otherwise the first one of the longest folder that both start with, such as
// `/in/acogo/`. Empty if nothing comes near. Looks at the first 128 bytes only.
std::string NearestPath(absl::string_view given, const std::vector<std::string>& paths);

}  // namespace latchwire::edge
