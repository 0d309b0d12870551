// An operator's settings: flags, which override the TOML file that --config names.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/log.h"
#include "core/http/listen_address.h"
#include "core/program/table_reader.h"

namespace latchwire {

// The settings of one program or command, in the order of its --help. A setting has one name: as a
// key of the file (`spool.max_bytes`, so in a table [spool]), and as a flag with _ for the dot
// (--spool_max_bytes, which may be written with - too). Parse fills the variables that were passed
// to the Add functions; they hold the defaults until then and outlive the object. Not thread-safe.
class Settings {
 public:
  // Takes the value as it was given. The error says what is wrong, worded to follow key and value.
  using Parser = std::function<absl::Status(absl::string_view value)>;
  // Reads a structured section of the file. Returns what Finish of a table within it said; the
  // section itself is finished afterwards.
  using SectionReader = std::function<absl::Status(TableReader* section)>;

  // `program` precedes errors and is shown by --version; `usage` is the text of --help above the
  // flags.
  Settings(absl::string_view program, absl::string_view usage);

  void AddText(absl::string_view key, std::string* value, absl::string_view help);
  void AddBool(absl::string_view key, bool* value, absl::string_view help);
  // Refuses values outside `least` to `most`.
  void AddInteger(absl::string_view key, int64_t* value, int64_t least, int64_t most,
                  absl::string_view help);
  // `250ms`, `30s`, `1h30m`, or 0; not negative, `most` at most.
  void AddDuration(absl::string_view key, absl::Duration* value, absl::Duration most,
                   absl::string_view help);
  // An IP address and a port.
  void AddListen(absl::string_view key, std::optional<ListenAddress>* value,
                 absl::string_view help);
  // The name of a file whose bytes are read into `content`; nothing is read if the name is empty.
  void AddFile(absl::string_view key, std::string* content, absl::string_view help);
  // log_level: debug, info, warn or error.
  void AddLogLevel(LogLevel* level);
  // A string that `parse` reads.
  void AddParsed(absl::string_view key, std::string default_text, Parser parse,
                 absl::string_view help);
  // The same for values separated by commas, which the file may give as an array.
  void AddList(absl::string_view key, Parser parse, absl::string_view help);
  // An older name of the flag of `key`.
  void AddAlias(absl::string_view old_flag, absl::string_view key);
  // A table of the file that has no flags.
  void AddSection(absl::string_view key, SectionReader read);
  // --config. Programs have it, commands do not.
  void AddConfigFile();

  // Reads the arguments (without the program's name), then the file that --config names, and fills
  // the variables. Returns what to print instead of running: the text of --help or --version, or
  // nothing. INVALID_ARGUMENT: `key = "value": why`, after `file:line: ` if it is set in the file.
  absl::StatusOr<std::string> Parse(const std::vector<std::string>& arguments);

  // An error about a setting after Parse, in the same form, for checks across several settings.
  absl::Status Error(absl::string_view key, absl::string_view why) const;

  std::string HelpText() const;
  const std::string& program() const { return program_; }
  // The keys of all settings, in the order in which they were added.
  std::vector<std::string> Keys() const;

 private:
  enum class Kind { kText, kNumber, kBool, kDuration, kList };
  struct Setting {
    std::string key;
    Kind kind;
    std::string default_text;
    std::string help;
    Parser parse;
    // Once parsed: the value as given, and where in the file; nothing when the default holds.
    std::optional<std::string> given;
    std::string origin;
  };
  struct Section {
    std::string key;
    SectionReader read;
  };

  void Add(absl::string_view key, Kind kind, std::string default_text, Parser parse,
           absl::string_view help);
  Setting* FindFlag(absl::string_view flag);
  Setting* FindKey(absl::string_view key);
  absl::Status ReadArguments(const std::vector<std::string>& arguments);
  absl::Status ReadFile(const std::string& path);
  absl::Status ReadTable(const ConfigValue& table, const std::string& path,
                         const std::string& file_name);
  absl::Status ReadValue(const ConfigValue& value, const std::string& file_name, Setting* setting);
  bool IsPrefix(absl::string_view path) const;

  const std::string program_;
  const std::string usage_;
  std::vector<Setting> settings_;
  std::vector<Section> sections_;
  std::vector<std::pair<std::string, std::string>> aliases_;  // flag -> key
  std::string config_file_;
};

// Used by main: parses, prints --help, --version or the error, and returns the exit code; nullopt
// if the program should run. `check`, unless null, checks all settings together afterwards.
std::optional<int> ParseSettings(Settings* settings, const std::vector<std::string>& arguments,
                                 const std::function<absl::Status()>& check = nullptr);

// Prints "latchwire-server: what went wrong" to standard error and returns `exit_code`.
int ReportFailure(absl::string_view program, const absl::Status& status, int exit_code);

// "latchwire-server 0.1.0 (BoringSSL ...)" and a line end.
std::string VersionText(absl::string_view program);

}  // namespace latchwire
