#include "server/main/commands.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/main/data_dir.h"
#include "server/store/sqlite/backup.h"

ABSL_DECLARE_FLAG(std::string, data_dir);
ABSL_DECLARE_FLAG(std::string, config);
ABSL_FLAG(std::string, to, "", "Of `latchwire-server backup`: the file to write");
ABSL_FLAG(std::string, from, "", "Of `latchwire-server restore`: the file that backup wrote");

namespace latchwire {
namespace {

std::string Bytes(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? "an unknown number of bytes" : absl::StrCat(size, " bytes");
}

absl::Status BackUp(const std::string& data_dir, const std::string& to, const std::string& from) {
  if (to.empty()) return absl::InvalidArgumentError("--to is missing: the file to write");
  if (!from.empty()) return absl::InvalidArgumentError("--from is for restore");
  absl::Status status = BackUpSqlite(absl::StrCat(data_dir, "/latchwire.db"), to);
  if (status.ok())
    std::printf("backup of %s written to %s, %s\n", data_dir.c_str(), to.c_str(),
                Bytes(to).c_str());
  return status;
}

absl::Status Restore(const std::string& data_dir, const std::string& to, const std::string& from) {
  if (from.empty()) return absl::InvalidArgumentError("--from is missing: the file of a backup");
  if (!to.empty())
    return absl::InvalidArgumentError("--to is for backup; restore takes --data_dir");
  const auto lock = DataDirLock::Take(data_dir);
  if (!lock.ok()) return lock.status();
  absl::Status status = RestoreSqlite(from, absl::StrCat(data_dir, "/latchwire.db"));
  if (status.ok()) std::printf("%s restored from %s\n", data_dir.c_str(), from.c_str());
  return status;
}

absl::Status Run(const std::string& command, int argc, char** argv) {
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument: ", rest[1]));
  }
  const std::string data_dir = absl::GetFlag(FLAGS_data_dir);
  if (data_dir.empty()) return absl::InvalidArgumentError("--data_dir must not be empty");
  if (!absl::GetFlag(FLAGS_config).empty()) {
    return absl::InvalidArgumentError(absl::StrCat(command, " takes --data_dir, no --config"));
  }
  return (command == "backup" ? BackUp : Restore)(data_dir, absl::GetFlag(FLAGS_to),
                                                  absl::GetFlag(FLAGS_from));
}

}  // namespace

std::optional<int> RunCommand(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return std::nullopt;
  const std::string command = argv[1];
  if (command != "backup" && command != "restore") {
    std::fprintf(stderr, "latchwire-server: unknown command %s: there are backup and restore\n",
                 command.c_str());
    return 1;
  }
  argv[1] = argv[0];
  const absl::Status status = Run(command, argc - 1, argv + 1);
  if (status.ok()) return 0;
  std::fprintf(stderr, "latchwire-server: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace latchwire
