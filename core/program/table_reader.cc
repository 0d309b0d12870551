#include "core/program/table_reader.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace latchwire {

std::string SettingError(absl::string_view key, absl::string_view value, absl::string_view why) {
  return absl::StrCat(key, " = \"", value, "\": ", why);
}

const ConfigValue* TableReader::Read(absl::string_view key) {
  known_.emplace_back(key);
  return status_.ok() ? table_.Find(key) : nullptr;
}

TableReader& TableReader::Text(absl::string_view key, std::string* out) {
  const ConfigValue* value = Read(key);
  if (value == nullptr) return *this;
  if (value->kind == ConfigValue::Kind::kText) {
    *out = value->text;
  } else {
    Fail(key, "must be a quoted string");
  }
  return *this;
}

TableReader& TableReader::Bool(absl::string_view key, bool* out) {
  const ConfigValue* value = Read(key);
  if (value == nullptr) return *this;
  if (value->kind == ConfigValue::Kind::kBool) {
    *out = value->text == "true";
  } else {
    Fail(key, "must be true or false");
  }
  return *this;
}

TableReader& TableReader::Integer(absl::string_view key, int64_t least, int64_t most,
                                  int64_t* out) {
  const ConfigValue* value = Read(key);
  if (value == nullptr) return *this;
  int64_t number = 0;
  if (value->kind == ConfigValue::Kind::kInteger && absl::SimpleAtoi(value->text, &number) &&
      number >= least && number <= most) {
    *out = number;
  } else {
    Fail(key, absl::StrCat("must be an integer from ", least, " to ", most));
  }
  return *this;
}

TableReader& TableReader::Secret(absl::string_view key, std::string* out) {
  const std::string file_key = absl::StrCat(key, "_file");
  secrets_.emplace_back(key);
  std::string path;
  Text(key, out).Text(file_key, &path);
  if (path.empty() || !status_.ok()) return *this;
  if (Has(key)) {
    Fail(file_key, absl::StrCat("cannot be combined with ", key));
    return *this;
  }
  const absl::StatusOr<std::string> content = ReadNamedFile(path);
  if (!content.ok()) {
    Fail(file_key, content.status().message());
  } else if (*out = std::string(absl::StripAsciiWhitespace(*content)); out->empty()) {
    Fail(file_key, "the file is empty");
  }
  return *this;
}

std::vector<TableReader> TableReader::Tables(absl::string_view key) {
  std::vector<TableReader> readers;
  const ConfigValue* value = Read(key);
  if (value == nullptr) return readers;
  const std::string path = NameOf(key);
  const auto is_table = [](const ConfigValue& item) {
    return item.kind == ConfigValue::Kind::kTable;
  };
  if (is_table(*value)) {
    readers.emplace_back(*value, path, file_name_);
  } else if (value->kind == ConfigValue::Kind::kArray && absl::c_all_of(value->items, is_table)) {
    for (const ConfigValue& item : value->items) readers.emplace_back(item, path, file_name_);
  } else {
    Fail(key, "must be a table, or an array of tables");
  }
  return readers;
}

std::vector<std::string> TableReader::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : table_.members) keys.push_back(key);
  return keys;
}

std::string TableReader::NameOf(absl::string_view key) const {
  return path_.empty() ? std::string(key) : absl::StrCat(path_, ".", key);
}

void TableReader::Fail(absl::string_view key, absl::string_view why) {
  const ConfigValue* value = table_.Find(key);
  const bool is_secret = value != nullptr && absl::c_linear_search(secrets_, key);
  absl::string_view shown = is_secret ? "***" : "";
  if (value != nullptr && !is_secret) shown = value->text;
  FailAt(value != nullptr ? value->line : table_.line, SettingError(NameOf(key), shown, why));
}

void TableReader::FailAt(int line, const std::string& what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat(file_name_, ":", line, ": ", what));
}

absl::Status TableReader::Finish() {
  for (const auto& [key, value] : table_.members) {
    // Without the value, which may be a secret under a misspelt key.
    if (!absl::c_linear_search(known_, key)) {
      FailAt(value.line, absl::StrCat(NameOf(key), ": no such setting"));
    }
  }
  return status_;
}

}  // namespace latchwire
