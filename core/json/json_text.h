// Looks into JSON text without changing it: where each member's value stands, byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/json/json_syntax.h"

namespace latchwire {

// All of these take one well-formed JSON value (IsWellFormedJson) and point into it.

// The value's text without the white space around it.
absl::string_view JsonTrim(absl::string_view json);

struct JsonMember {
  std::string name;  // decoded
  absl::string_view value;
};
// Nothing when `json` is no object. Duplicates are all there.
std::optional<std::vector<JsonMember>> JsonMembers(absl::string_view json);
// Nothing when `json` is no array.
std::optional<std::vector<absl::string_view>> JsonElements(absl::string_view json);
// The last member of that name, as most parsers read it.
std::optional<absl::string_view> FindMember(const std::vector<JsonMember>& members,
                                            absl::string_view name);

// Nothing when `json` is of another type, or is no integer of 64 bits.
std::optional<std::string> JsonString(absl::string_view json);
std::optional<int64_t> JsonInteger(absl::string_view json);
std::optional<bool> JsonBool(absl::string_view json);

}  // namespace latchwire
