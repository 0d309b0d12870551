#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "edge-agent/spool/file_system.h"

namespace latchwire::edge {
namespace {

absl::Status ErrnoStatus(int error, absl::string_view doing, absl::string_view path) {
  const std::string text = absl::StrCat(doing, " ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(text);
    case ENOENT:
      return absl::NotFoundError(text);
    case EEXIST:
      return absl::AlreadyExistsError(text);
    default:
      return absl::UnavailableError(text);
  }
}

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixFile : public SpoolFile {
 public:
  PosixFile(int fd, uint64_t identity, std::string path)
      : fd_(fd), identity_(identity), path_(std::move(path)) {}
  ~PosixFile() override { close(fd_); }

  absl::Status Append(absl::string_view data) override {
    while (!data.empty()) {
      const ssize_t written = write(fd_, data.data(), data.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus(errno, "writing", path_);
      }
      data.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (fdatasync(fd_) != 0) return ErrnoStatus(errno, "syncing", path_);
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
      return ErrnoStatus(errno, "truncating", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, size_t size, char* out) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t got = pread(fd_, out + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus(errno, "reading", path_);
      }
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info;
    if (fstat(fd_, &info) != 0) return ErrnoStatus(errno, "examining", path_);
    return static_cast<uint64_t>(info.st_size);
  }

  uint64_t Identity() const override { return identity_; }

 private:
  const int fd_;
  const uint64_t identity_;
  const std::string path_;
};

class PosixLock : public SpoolFileSystem::Lock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { close(fd_); }

 private:
  const int fd_;
};

class PosixFileSystem : public SpoolFileSystem {
 public:
  absl::Status CreateDirectory(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return absl::OkStatus();
      return absl::UnavailableError(absl::StrCat(path, " is not a directory"));
    }
    const std::string parent = Parent(path);
    if (parent != path) {
      if (absl::Status status = CreateDirectory(parent); !status.ok()) return status;
    }
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, "creating", path);
    }
    return SyncDirectory(parent);
  }

  absl::StatusOr<uint64_t> DirectoryIdentity(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, "examining", path);
    return static_cast<uint64_t>(info.st_ino);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) return ErrnoStatus(errno, "listing", path);
    absl::Cleanup closer = [directory] { closedir(directory); };
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(directory)) {
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return ErrnoStatus(errno, "listing", path);
    return names;
  }

  absl::StatusOr<std::unique_ptr<SpoolFile>> Create(const std::string& path) override {
    return OpenWith(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND, "creating");
  }

  absl::StatusOr<std::unique_ptr<SpoolFile>> Open(const std::string& path) override {
    return OpenWith(path, O_RDONLY, "opening");
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0) return ErrnoStatus(errno, "removing", path);
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, "renaming", from);
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "opening", path);
    absl::Cleanup closer = [fd] { close(fd); };
    if (fsync(fd) != 0) return ErrnoStatus(errno, "syncing", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Lock>> LockFile(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return ErrnoStatus(errno, "opening", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      close(fd);
      if (error == EWOULDBLOCK) {
        return absl::FailedPreconditionError(
            absl::StrCat(path, " is locked: another agent uses this spool"));
      }
      return ErrnoStatus(error, "locking", path);
    }
    return std::make_unique<PosixLock>(fd);
  }

 private:
  static absl::StatusOr<std::unique_ptr<SpoolFile>> OpenWith(const std::string& path, int flags,
                                                             absl::string_view doing) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return ErrnoStatus(errno, doing, path);
    struct stat info;
    if (fstat(fd, &info) != 0) {
      const int error = errno;
      close(fd);
      return ErrnoStatus(error, "examining", path);
    }
    return std::make_unique<PosixFile>(fd, static_cast<uint64_t>(info.st_ino), path);
  }
};

}  // namespace

SpoolFileSystem* PosixSpoolFileSystem() {
  static SpoolFileSystem* const file_system = new PosixFileSystem;
  return file_system;
}

absl::StatusOr<std::string> ReadWholeFile(SpoolFileSystem* file_system, const std::string& path,
                                          size_t limit) {
  auto file = file_system->Open(path);
  if (!file.ok()) return file.status();
  const auto size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size > limit) {
    return absl::ResourceExhaustedError(absl::StrCat(path, " holds more than ", limit, " bytes"));
  }
  std::string text(*size, '\0');
  const auto got = (*file)->ReadAt(0, text.size(), text.data());
  if (!got.ok()) return got.status();
  text.resize(*got);
  return text;
}

}  // namespace latchwire::edge
