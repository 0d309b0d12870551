// Guesses the path that somebody meant who wrote a wrong one.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace latchwire::edge {

// The one of `paths` that is fewest edits away from `given` (ignoring case), if at most a third of
// it is wrong; otherwise the first one in the longest directory that both start with, such as
// `/in/acogo/`. Empty if nothing is close. Looks only at the first 128 bytes.
std::string NearestPath(absl::string_view given, const std::vector<std::string>& paths);

}  // namespace latchwire::edge
