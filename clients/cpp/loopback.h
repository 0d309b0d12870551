#pragma once

#include "absl/strings/string_view.h"

namespace latchwire::client {

// Whether `host:port` is on this machine, by its spelling.
bool IsLoopbackAddress(absl::string_view address);

}  // namespace latchwire::client
