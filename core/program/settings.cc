#include "core/program/settings.h"

#include <algorithm>
#include <cstdio>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/check.h"
#include "core/base/crypto.h"
#include "core/base/version.h"
#include "core/program/exit_code.h"
#include "core/program/logging.h"

namespace latchwire {
namespace {

constexpr absl::string_view kConfig = "config";
constexpr size_t kHelpColumns = 100;
constexpr absl::string_view kHelpIndent = "      ";

// The one spelling in which flags are compared: spool.max_bytes, spool-max-bytes.
std::string FlagOf(absl::string_view name) {
  return absl::StrReplaceAll(name, {{".", "_"}, {"-", "_"}});
}

std::string Wrap(absl::string_view text) {
  std::string wrapped;
  size_t column = kHelpColumns;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (column + 1 + word.size() > kHelpColumns) {
      absl::StrAppend(&wrapped, wrapped.empty() ? "" : "\n", kHelpIndent, word);
      column = kHelpIndent.size() + word.size();
    } else {
      absl::StrAppend(&wrapped, " ", word);
      column += 1 + word.size();
    }
  }
  return wrapped;
}

}  // namespace

Settings::Settings(absl::string_view program, absl::string_view usage)
    : program_(program), usage_(usage) {}

void Settings::Add(absl::string_view key, Kind kind, std::string default_text, Parser parse,
                   absl::string_view help) {
  LATCHWIRE_CHECK(FindFlag(key) == nullptr, "the setting ", key, " is there twice");
  settings_.push_back({std::string(key), kind, std::move(default_text), std::string(help),
                       std::move(parse), std::nullopt, ""});
}

void Settings::AddText(absl::string_view key, std::string* value, absl::string_view help) {
  AddParsed(
      key, *value,
      [value](absl::string_view text) {
        *value = std::string(text);
        return absl::OkStatus();
      },
      help);
}

void Settings::AddBool(absl::string_view key, bool* value, absl::string_view help) {
  Add(
      key, Kind::kBool, *value ? "true" : "false",
      [value](absl::string_view text) {
        return absl::SimpleAtob(text, value) ? absl::OkStatus()
                                             : absl::InvalidArgumentError("must be true or false");
      },
      help);
}

void Settings::AddInteger(absl::string_view key, int64_t* value, int64_t least, int64_t most,
                          absl::string_view help) {
  Add(
      key, Kind::kNumber, absl::StrCat(*value),
      [=](absl::string_view text) {
        int64_t number = 0;
        if (!absl::SimpleAtoi(text, &number) || number < least || number > most) {
          return absl::InvalidArgumentError(absl::StrCat("must be ", least, " to ", most));
        }
        *value = number;
        return absl::OkStatus();
      },
      help);
}

void Settings::AddDuration(absl::string_view key, absl::Duration* value, absl::Duration most,
                           absl::string_view help) {
  Add(
      key, Kind::kDuration, absl::FormatDuration(*value),
      [=](absl::string_view text) {
        absl::Duration duration;
        if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration() ||
            duration > most) {
          return absl::InvalidArgumentError(
              absl::StrCat("must be 0 to ", absl::FormatDuration(most), ", such as 30s"));
        }
        *value = duration;
        return absl::OkStatus();
      },
      help);
}

void Settings::AddListen(absl::string_view key, std::optional<ListenAddress>* value,
                         absl::string_view help) {
  AddParsed(
      key, value->has_value() ? (*value)->ToString() : "",
      [value](absl::string_view text) {
        value->reset();
        if (text.empty()) return absl::OkStatus();
        absl::StatusOr<ListenAddress> address = ParseIpListenAddress(text);
        if (address.ok()) *value = *std::move(address);
        return address.status();
      },
      help);
}

void Settings::AddFile(absl::string_view key, std::string* content, absl::string_view help) {
  AddParsed(
      key, "",
      [content](absl::string_view path) {
        content->clear();
        if (path.empty()) return absl::OkStatus();
        absl::StatusOr<std::string> text = ReadNamedFile(std::string(path));
        if (text.ok()) *content = *std::move(text);
        return text.status();
      },
      help);
}

void Settings::AddLogLevel(LogLevel* level) {
  AddParsed(
      "log_level", "info",
      [level](absl::string_view text) {
        return ParseLogLevel(text, level)
                   ? absl::OkStatus()
                   : absl::InvalidArgumentError("must be debug, info, warn or error");
      },
      "What to log: debug, info, warn or error, and what is worse");
}

void Settings::AddParsed(absl::string_view key, std::string default_text, Parser parse,
                         absl::string_view help) {
  Add(key, Kind::kText, std::move(default_text), std::move(parse), help);
}

void Settings::AddList(absl::string_view key, Parser parse, absl::string_view help) {
  Add(key, Kind::kList, "", std::move(parse), help);
}

void Settings::AddAlias(absl::string_view old_flag, absl::string_view key) {
  LATCHWIRE_CHECK(FindKey(key) != nullptr, key);
  aliases_.emplace_back(old_flag, key);
}

void Settings::AddSection(absl::string_view key, SectionReader read) {
  sections_.push_back({std::string(key), std::move(read)});
}

void Settings::AddConfigFile() {
  AddText(kConfig, &config_file_,
          "TOML file whose keys are the names of these flags; a flag wins over the file");
}

Settings::Setting* Settings::FindFlag(absl::string_view flag) {
  std::string name = FlagOf(flag);
  for (const auto& [old_flag, key] : aliases_) {
    if (name == FlagOf(old_flag)) name = FlagOf(key);
  }
  const auto found =
      absl::c_find_if(settings_, [&](const Setting& s) { return FlagOf(s.key) == name; });
  return found == settings_.end() ? nullptr : &*found;
}

Settings::Setting* Settings::FindKey(absl::string_view key) {
  const auto found = absl::c_find_if(settings_, [&](const Setting& s) { return s.key == key; });
  return found == settings_.end() ? nullptr : &*found;
}

absl::Status Settings::ReadArguments(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (!absl::ConsumePrefix(&argument, "--") && !absl::ConsumePrefix(&argument, "-")) {
      return absl::InvalidArgumentError(absl::StrCat("unexpected argument: ", argument));
    }
    const size_t equals = argument.find('=');
    const absl::string_view name = argument.substr(0, equals);
    Setting* setting = FindFlag(name);
    std::string value;
    if (equals != absl::string_view::npos) {
      value = std::string(argument.substr(equals + 1));
    } else if (setting != nullptr && setting->kind == Kind::kBool) {
      value = "true";
    } else if (absl::StartsWith(name, "no") && FindFlag(name.substr(2)) != nullptr &&
               FindFlag(name.substr(2))->kind == Kind::kBool && setting == nullptr) {
      setting = FindFlag(name.substr(2));
      value = "false";
    } else if (setting != nullptr) {
      if (++i == arguments.size()) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, ": its value is missing"));
      }
      value = arguments[i];
    }
    if (setting == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, ": no such flag; see --help"));
    }
    setting->given = std::move(value);  // the last one counts
  }
  return absl::OkStatus();
}

absl::Status Settings::ReadFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadNamedFile(path);
  if (!text.ok()) {
    return absl::InvalidArgumentError(SettingError(kConfig, path, text.status().message()));
  }
  const absl::StatusOr<ConfigValue> root = ParseToml(*text, path);
  return root.ok() ? ReadTable(*root, "", path) : root.status();
}

bool Settings::IsPrefix(absl::string_view path) const {
  return absl::c_any_of(settings_, [&](const Setting& setting) {
    return absl::StartsWith(setting.key, absl::StrCat(path, "."));
  });
}

absl::Status Settings::ReadTable(const ConfigValue& table, const std::string& path,
                                 const std::string& file_name) {
  for (const auto& [name, value] : table.members) {
    const std::string key = path.empty() ? name : absl::StrCat(path, ".", name);
    const std::string origin = absl::StrCat(file_name, ":", value.line, ": ");
    const bool is_table = value.kind == ConfigValue::Kind::kTable;
    const absl::Status not_a_table = absl::InvalidArgumentError(
        absl::StrCat(origin, SettingError(key, value.text, "must be a table")));
    const auto section =
        absl::c_find_if(sections_, [&key = key](const Section& s) { return s.key == key; });
    if (section != sections_.end()) {
      if (!is_table) return not_a_table;
      TableReader reader(value, key, file_name);
      absl::Status status = section->read(&reader);
      status.Update(reader.Finish());
      if (!status.ok()) return status;
    } else if (Setting* setting = FindKey(key); setting != nullptr && key != kConfig) {
      if (absl::Status status = ReadValue(value, file_name, setting); !status.ok()) return status;
    } else if (IsPrefix(key)) {
      if (!is_table) return not_a_table;
      if (absl::Status status = ReadTable(value, key, file_name); !status.ok()) return status;
    } else {
      // Without the value, which may be a secret under a misspelt key.
      return absl::InvalidArgumentError(absl::StrCat(origin, key, ": no such setting"));
    }
  }
  return absl::OkStatus();
}

absl::Status Settings::ReadValue(const ConfigValue& value, const std::string& file_name,
                                 Setting* setting) {
  using ValueKind = ConfigValue::Kind;
  const auto is_item = [](const ConfigValue& item) {
    return item.kind == ValueKind::kText || item.kind == ValueKind::kInteger;
  };
  bool fits = value.kind == ValueKind::kText;
  std::string text = value.text;
  absl::string_view must = "must be a quoted string";
  switch (setting->kind) {
    case Kind::kText:
      break;
    case Kind::kNumber:
    case Kind::kDuration:
      fits |= value.kind == ValueKind::kInteger;
      must = "must be a number";
      break;
    case Kind::kBool:
      fits |= value.kind == ValueKind::kBool;
      must = "must be true or false";
      break;
    case Kind::kList:
      fits |= is_item(value);
      must = "must be a text, or a list of texts";
      if (value.kind == ValueKind::kArray && absl::c_all_of(value.items, is_item)) {
        fits = true;
        text = absl::StrJoin(value.items, ",",
                             [](std::string* out, const ConfigValue& item) { *out += item.text; });
      }
      break;
  }
  const std::string origin = absl::StrCat(file_name, ":", value.line, ": ");
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, SettingError(setting->key, value.text, must)));
  }
  if (setting->given) return absl::OkStatus();  // by a flag
  setting->given = std::move(text);
  setting->origin = origin;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Settings::Parse(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") return HelpText();
    if (argument == "--version") return VersionText(program_);
  }
  if (absl::Status status = ReadArguments(arguments); !status.ok()) return status;
  const Setting* config = FindKey(kConfig);
  if (config != nullptr && config->given && !config->given->empty()) {
    if (absl::Status status = ReadFile(*config->given); !status.ok()) return status;
  }
  for (Setting& setting : settings_) {
    if (!setting.given) continue;
    if (absl::Status status = setting.parse(*setting.given); !status.ok()) {
      return Error(setting.key, status.message());
    }
  }
  return "";
}

absl::Status Settings::Error(absl::string_view key, absl::string_view why) const {
  const auto setting = absl::c_find_if(settings_, [&](const Setting& s) { return s.key == key; });
  LATCHWIRE_CHECK(setting != settings_.end(), key);
  return absl::InvalidArgumentError(absl::StrCat(
      setting->origin, SettingError(key, setting->given.value_or(setting->default_text), why)));
}

std::string Settings::HelpText() const {
  std::string text = absl::StrCat(usage_, "\n\n");
  for (const Setting& setting : settings_) {
    absl::StrAppend(&text, "  --", FlagOf(setting.key));
    if (!setting.default_text.empty()) {
      absl::StrAppend(&text, " (default ", setting.default_text, ")");
    }
    absl::StrAppend(&text, "\n", Wrap(setting.help), "\n");
  }
  absl::StrAppend(&text, "  --help, --version\n", kHelpIndent, "Print this, or the version\n\n",
                  "Flags may be written with - for _. Exit codes: ", kExitOk,
                  " done or stopped as told, ", kExitFailed, " failed, ", kExitUsage,
                  " a setting is wrong.\n");
  return text;
}

std::vector<std::string> Settings::Keys() const {
  std::vector<std::string> keys;
  for (const Setting& setting : settings_) keys.push_back(setting.key);
  return keys;
}

std::optional<int> ParseSettings(Settings* settings, const std::vector<std::string>& arguments,
                                 const std::function<absl::Status()>& check) {
  const absl::StatusOr<std::string> text = settings->Parse(arguments);
  absl::Status status = text.status();
  if (status.ok() && !text->empty()) {
    std::fputs(text->c_str(), stdout);
    return kExitOk;
  }
  if (status.ok() && check) status = check();
  if (status.ok()) return std::nullopt;
  return ReportFailure(settings->program(), status, kExitUsage);
}

int ReportFailure(absl::string_view program, const absl::Status& status, int exit_code) {
  std::fputs(absl::StrCat(program, ": ", status.message(), "\n").c_str(), stderr);
  return exit_code;
}

std::string VersionText(absl::string_view program) {
  return absl::StrCat(program, " ", LatchwireVersion(), " (", CryptoLibraryVersion(), ")\n");
}

}  // namespace latchwire
