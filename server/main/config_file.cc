// Errors as values need the header-only form.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/main/config.h"

namespace latchwire {
namespace {

std::string Where(absl::string_view file_name, const toml::node& node) {
  return absl::StrCat(file_name, ":", node.source().begin.line, ": ");
}

// A scalar as a flag would be given; nothing for tables, dates and nested arrays.
std::optional<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  if (const auto* number = node.as_integer()) return absl::StrCat(number->get());
  if (const auto* number = node.as_floating_point()) return absl::StrCat(number->get());
  return std::nullopt;
}

std::optional<std::string> ValueText(const toml::node& node) {
  const auto* array = node.as_array();
  if (array == nullptr) return ScalarText(node);
  std::vector<std::string> parts;
  for (const toml::node& element : *array) {
    std::optional<std::string> part = ScalarText(element);
    if (!part) return std::nullopt;
    parts.push_back(*std::move(part));
  }
  return absl::StrJoin(parts, ",");
}

}  // namespace

absl::StatusOr<ConfigEntries> ParseConfigText(absl::string_view text, absl::string_view file_name,
                                              bool (*is_known)(absl::string_view key)) {
  const toml::parse_result parsed = toml::parse(std::string_view(text.data(), text.size()));
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ":",
                                                   parsed.error().source().begin.line, ": ",
                                                   std::string(parsed.error().description())));
  }
  ConfigEntries entries;
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    if (!is_known(name)) {
      return absl::InvalidArgumentError(absl::StrCat(Where(file_name, node), "unknown key ", name));
    }
    std::optional<std::string> value = ValueText(node);
    if (!value) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(file_name, node), name,
                       " must be a text, a number, true, false, or a list of them"));
    }
    entries.emplace_back(name, *std::move(value));
  }
  return entries;
}

}  // namespace latchwire
