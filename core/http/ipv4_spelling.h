// IPv4 addresses in every spelling that browsers and resolvers accept, so that what is checked when
// a URL is taken and what is connected to later are read alike.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace latchwire {

// A host whose last label is a number is an address or nothing: no name may look like one. One dot
// at the end, the root's, is looked past by both.
bool LooksLikeIpv4(absl::string_view host);

// One to four parts, each decimal, 0x hexadecimal or 0 octal, of which the last fills what is left:
// 0x7f.1, 2130706433 and 0177.0.0.1 are all 127.0.0.1. In host order; nothing when a part is no
// number or out of range.
std::optional<uint32_t> ParseIpv4Spelling(absl::string_view host);

}  // namespace latchwire
