#include "core/program/config_value.h"

// Errors as values need the header-only form.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace latchwire {
namespace {

// Recursion is bounded: the parser refuses deeper nesting than TOML_MAX_NESTED_VALUES.
ConfigValue Convert(const toml::node& node) {
  using Kind = ConfigValue::Kind;
  ConfigValue value;
  value.line = static_cast<int>(node.source().begin.line);
  if (const auto* table = node.as_table()) {
    value.kind = Kind::kTable;
    for (const auto& [key, member] : *table) {
      value.members.push_back({std::string(key.str()), Convert(member)});
    }
  } else if (const auto* array = node.as_array()) {
    value.kind = Kind::kArray;
    for (const toml::node& item : *array) value.items.push_back(Convert(item));
  } else if (const auto* text = node.as_string()) {
    value.kind = Kind::kText;
    value.text = text->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.kind = Kind::kBool;
    value.text = flag->get() ? "true" : "false";
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Kind::kInteger;
    value.text = absl::StrCat(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = Kind::kFloat;
    value.text = absl::StrCat(number->get());
  } else {
    value.kind = Kind::kTime;
  }
  return value;
}

}  // namespace

const ConfigValue* ConfigValue::Find(absl::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

absl::StatusOr<ConfigValue> ParseToml(absl::string_view text, absl::string_view file_name) {
  const toml::parse_result parsed = toml::parse(std::string_view(text.data(), text.size()));
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ":",
                                                   parsed.error().source().begin.line, ": ",
                                                   std::string(parsed.error().description())));
  }
  return Convert(parsed.table());
}

absl::StatusOr<std::string> ReadNamedFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad() || (file.fail() && !text.str().empty())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the file cannot be read", errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : ""));
  }
  return text.str();
}

}  // namespace latchwire
