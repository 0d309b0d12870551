// Reads a structured part of the configuration file, such as [[intake.acogo]], key by key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/program/config_value.h"

namespace latchwire {

// `path.key = "value": why`, the form of every error about a setting.
std::string SettingError(absl::string_view key, absl::string_view value, absl::string_view why);

// Variables of missing keys are left unchanged. The first fault is kept, and calls after it do
// nothing, so that a caller reads all keys and then calls Finish once. Not thread-safe; `table`
// outlives the reader.
class TableReader {
 public:
  // `path` is the table's name, `intake.acogo`; empty for the whole file.
  TableReader(const ConfigValue& table, std::string path, std::string file_name)
      : table_(table), path_(std::move(path)), file_name_(std::move(file_name)) {}

  TableReader& Text(absl::string_view key, std::string* out);
  TableReader& Bool(absl::string_view key, bool* out);
  TableReader& Integer(absl::string_view key, int64_t least, int64_t most, int64_t* out);
  // The text of `key`, or the content of the file that `<key>_file` names without the white space
  // around it. No error shows it.
  TableReader& Secret(absl::string_view key, std::string* out);

  // A table, or an array of them ([[...]]); none when the key is missing.
  std::vector<TableReader> Tables(absl::string_view key);

  // Whether the key is there, known or not.
  bool Has(absl::string_view key) const { return table_.Find(key) != nullptr; }
  // All keys, known or not, in their order by name.
  std::vector<std::string> Keys() const;

  // Reports a fault of a key, or of the whole table if the key is missing. Shows the value, unless
  // Secret has read it.
  void Fail(absl::string_view key, absl::string_view why);
  // Returns the first fault: INVALID_ARGUMENT, `file:line: path.key = "value": why`. A key that was
  // not read is a fault.
  absl::Status Finish();

 private:
  // Null when the key is missing, or when there is a fault already.
  const ConfigValue* Read(absl::string_view key);
  std::string NameOf(absl::string_view key) const;
  // `what` follows file and line.
  void FailAt(int line, const std::string& what);

  const ConfigValue& table_;
  const std::string path_;
  const std::string file_name_;
  std::vector<std::string> known_;
  std::vector<std::string> secrets_;
  absl::Status status_;
};

}  // namespace latchwire
