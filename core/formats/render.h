// Pieces that formats are rendered from. They append to a string that the caller has reserved,
// because rendering is on the path of every attempt. Thread-safe.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire {

// Appends `time` as RFC 3339 in UTC with `Z`, and as many digits of fraction as it has, none to
// nine: `2023-11-14T22:13:19.5Z`.
void AppendRfc3339(absl::Time time, std::string* out);

}  // namespace latchwire
