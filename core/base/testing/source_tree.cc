#include "core/base/testing/source_tree.h"

#include "absl/strings/str_cat.h"

namespace latchwire {

std::string SourcePath(absl::string_view relative) {
  return absl::StrCat(LATCHWIRE_SOURCE_DIR, "/", relative);
}

}  // namespace latchwire
