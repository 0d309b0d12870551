#include "server/main/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "core/domain/api_key.h"

namespace latchwire {
namespace {

constexpr mode_t kPrivateFile = 0600;
constexpr mode_t kPrivateFolder = 0700;

absl::Status SystemError(absl::string_view what, absl::string_view path) {
  return absl::UnavailableError(absl::StrCat("cannot ", what, " ", path, ": ", strerror(errno)));
}

absl::Status WriteAll(int fd, absl::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(fd) == 0 ? absl::OkStatus() : SystemError("write", path);
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", folder);
  absl::Cleanup close_it = [fd] { close(fd); };
  return fsync(fd) == 0 ? absl::OkStatus() : SystemError("write", folder);
}

// Whom the lock file names; empty when it cannot be read.
std::string Holder(int fd) {
  char text[32] = {};
  const ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
  return size > 0 ? std::string(absl::StripSuffix(absl::string_view(text), "\n")) : "";
}

}  // namespace

absl::StatusOr<DataDirLock> DataDirLock::Take(const std::string& data_dir) {
  std::error_code error;
  const bool existed = std::filesystem::exists(data_dir, error);
  std::filesystem::create_directories(data_dir, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("data_dir: cannot create ", data_dir, ": ", error.message()));
  }
  if (!existed) chmod(data_dir.c_str(), kPrivateFolder);

  const std::string path = absl::StrCat(data_dir, "/lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile);
  if (fd < 0) return SystemError("open", path);
  DataDirLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError("lock", path);
    return absl::FailedPreconditionError(
        absl::StrCat("data_dir ", data_dir, " is in use by another latchwire-server (process ",
                     Holder(fd), "): stop it, or give this one a folder of its own"));
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return SystemError("write", path);
  }
  return lock;
}

DataDirLock::DataDirLock(DataDirLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DataDirLock::~DataDirLock() {
  if (fd_ >= 0) close(fd_);
}

absl::Status WritePrivateFile(const std::string& path, absl::string_view content) {
  const std::string temporary = absl::StrCat(path, ".new");
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kPrivateFile);
  if (fd < 0) return SystemError("create", temporary);
  absl::Status status = fchmod(fd, kPrivateFile) == 0 ? WriteAll(fd, content, temporary)
                                                      : SystemError("protect", temporary);
  close(fd);
  if (!status.ok()) return status;
  if (rename(temporary.c_str(), path.c_str()) != 0) return SystemError("create", path);
  return SyncFolderOf(path);
}

absl::StatusOr<std::string> EnsureKey(Store* store, const std::string& data_dir,
                                      const FirstKey& first, Clock* clock, Random* random) {
  const absl::StatusOr<std::vector<ApiKey>> keys = store->LoadApiKeys();
  if (!keys.ok()) return keys.status();
  if (absl::c_any_of(*keys, [&](const ApiKey& key) { return key.role == first.role; })) {
    return std::string();
  }
  NewApiKey made = MakeApiKey(random);
  made.key.tenant = first.tenant;
  made.key.role = first.role;
  made.key.display_name = absl::StrCat("first ", RoleName(first.role));
  made.key.create_time = clock->Now();
  const std::string path = absl::StrCat(data_dir, "/", first.file);
  if (absl::Status status = WritePrivateFile(path, made.token + "\n"); !status.ok()) return status;

  const auto created = WriteOne(*store, CreateApiKey{std::move(made.key)});
  if (!created.ok()) return created.status();
  return path;
}

}  // namespace latchwire
