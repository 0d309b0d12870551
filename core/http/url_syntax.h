// What a receiver's URL must look like. Whether its address may be reached is judged by the
// transport, on every connection.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

inline constexpr size_t kMinUrlLength = 4;  // code points
inline constexpr size_t kMaxUrlLength = 2000;

// What is wrong with `url`, to follow its name in a sentence; nothing when it is an absolute http
// or https URL of 4 to 2000 printable ASCII characters without user information, with a host and,
// if any, a port of 1 to 65535. Path, query and fragment are not looked into: their bytes are the
// user's.
std::optional<std::string> UrlSyntaxError(absl::string_view url);

// For logs and for whoever may read a webhook without its secrets: tokens travel in queries.
// "https://a.example/x?token=1" becomes "https://a.example/x?***"; a URL without query and fragment
// stays as it is.
std::string MaskUrlQuery(absl::string_view url);

}  // namespace latchwire
