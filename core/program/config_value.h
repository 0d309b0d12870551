// A parsed TOML file, with the line of each value.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire {

struct ConfigMember;

struct ConfigValue {
  enum class Kind { kText, kInteger, kFloat, kBool, kArray, kTable, kTime };

  Kind kind = Kind::kTable;
  int line = 0;      // from 1
  std::string text;  // a scalar as a flag would be given: `4`, `true`; empty for the others
  std::vector<ConfigValue> items;     // kArray, in order
  std::vector<ConfigMember> members;  // kTable, by key

  // Null when there is none.
  const ConfigValue* Find(absl::string_view key) const;
};

// A type of its own and not a std::pair, which may not hold a type that is still incomplete.
struct ConfigMember {
  std::string key;
  ConfigValue value;
};

// Parses the file into a table. INVALID_ARGUMENT is `file_name:line: ` and the TOML error.
absl::StatusOr<ConfigValue> ParseToml(absl::string_view text, absl::string_view file_name);

// Reads a file that a setting names. The error says only that it cannot be read, and why.
absl::StatusOr<std::string> ReadNamedFile(const std::string& path);

}  // namespace latchwire
