// Where tests find files of the source tree, such as the shared vectors.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// The absolute path of `relative`, such as "tests/vectors/matching.json".
std::string SourcePath(absl::string_view relative);

}  // namespace latchwire
