// Pieces that formats are rendered from. They append to a reserved string: rendering is on the path
// of every attempt.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace latchwire {

// RFC 3339 in UTC with `Z`, and as many digits of fraction as the time has (none to nine):
// `2023-11-14T22:13:19.5Z`.
void AppendRfc3339(absl::Time time, std::string* out);

}  // namespace latchwire
