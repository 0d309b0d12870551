// Finds the byte ranges of values inside JSON text, without changing or decoding it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/json/json_syntax.h"

namespace latchwire {

// Each function takes one well-formed JSON value (IsWellFormedJson) and returns views into it.

// Returns the value without the white space around it.
absl::string_view JsonTrim(absl::string_view json);

struct JsonMember {
  std::string name;  // decoded
  absl::string_view value;
};
// Nothing if `json` is not an object. Duplicate names are all kept.
std::optional<std::vector<JsonMember>> JsonMembers(absl::string_view json);
// Nothing if `json` is not an array.
std::optional<std::vector<absl::string_view>> JsonElements(absl::string_view json);
// Returns the last member of that name, which is the one most parsers take.
std::optional<absl::string_view> FindMember(const std::vector<JsonMember>& members,
                                            absl::string_view name);

// Nothing if `json` is of another type or, for integers, does not fit 64 bits.
std::optional<std::string> JsonString(absl::string_view json);
std::optional<int64_t> JsonInteger(absl::string_view json);
std::optional<bool> JsonBool(absl::string_view json);

}  // namespace latchwire
