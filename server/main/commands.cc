#include "server/main/commands.h"

#include <cstdio>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/program/exit_code.h"
#include "core/program/settings.h"
#include "server/main/config.h"
#include "server/main/data_dir.h"
#include "server/store/sqlite/backup.h"

namespace latchwire {
namespace {

constexpr absl::string_view kProgram = "latchwire-server";

std::string SizeOf(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? "an unknown number of bytes" : absl::StrCat(size, " bytes");
}

int Finish(const absl::Status& status, const std::string& result) {
  if (!status.ok()) return ReportFailure(kProgram, status, kExitFailed);
  std::puts(result.c_str());
  return kExitOk;
}

int BackUp(const std::vector<std::string>& arguments) {
  std::string data_dir(kDefaultDataDir);
  std::string to;
  Settings settings(kProgram,
                    "latchwire-server backup writes one snapshot of the database to a file; "
                    "the server may be running.");
  settings.AddText("data_dir", &data_dir, "Directory of the server's database");
  settings.AddText("to", &to, "The file to write; it must not exist");
  const auto check = [&] {
    return to.empty() ? settings.Error("to", "is required: the file to write (--to)")
                      : absl::OkStatus();
  };
  if (const auto code = ParseSettings(&settings, arguments, check)) return *code;
  const absl::Status status = BackUpSqlite(absl::StrCat(data_dir, "/latchwire.db"), to);
  return Finish(status, absl::StrCat("backup of ", data_dir, " written to ", to, ", ", SizeOf(to)));
}

int Restore(const std::vector<std::string>& arguments) {
  std::string data_dir(kDefaultDataDir);
  std::string from;
  Settings settings(kProgram, "latchwire-server restore fills a new directory from a backup.");
  settings.AddText("from", &from, "The file that backup wrote");
  settings.AddText("data_dir", &data_dir, "Directory to fill; it must hold no database");
  const auto check = [&] {
    return from.empty() ? settings.Error("from", "is required: the file of a backup (--from)")
                        : absl::OkStatus();
  };
  if (const auto code = ParseSettings(&settings, arguments, check)) return *code;
  const auto lock = DataDirLock::Take(data_dir);
  if (!lock.ok()) return ReportFailure(kProgram, lock.status(), kExitFailed);
  const absl::Status status = RestoreSqlite(from, absl::StrCat(data_dir, "/latchwire.db"));
  return Finish(status, absl::StrCat(data_dir, " restored from ", from));
}

}  // namespace

std::optional<int> RunCommand(const std::vector<std::string>& arguments) {
  if (arguments.empty() || absl::StartsWith(arguments[0], "-")) return std::nullopt;
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (arguments[0] == "backup") return BackUp(rest);
  if (arguments[0] == "restore") return Restore(rest);
  return ReportFailure(kProgram,
                       absl::InvalidArgumentError(absl::StrCat("unknown command ", arguments[0],
                                                               ": there are backup and restore")),
                       kExitUsage);
}

}  // namespace latchwire
