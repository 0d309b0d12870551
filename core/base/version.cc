#include "core/base/version.h"

namespace latchwire {

absl::string_view LatchwireVersion() { return LATCHWIRE_VERSION; }

}  // namespace latchwire
