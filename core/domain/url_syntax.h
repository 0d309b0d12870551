// What a receiver's URL must look like. Whether its address may be reached is judged by the
// transport, on every connection.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// What is wrong with `url`, to follow its name in a sentence; nothing when it is an absolute http
// or https URL of 4 to 2000 printable ASCII characters without user information, with a host and,
// if any, a port of 1 to 65535. Path, query and fragment are not looked into: their bytes are the
// user's.
std::optional<std::string> UrlSyntaxError(absl::string_view url);

}  // namespace latchwire
