#include "edge-agent/uplink/set_aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/json/json_string.h"

namespace latchwire::edge {
namespace {

absl::Status Failure(absl::string_view doing, const std::string& path) {
  return absl::UnavailableError(absl::StrCat(doing, " ", path, ": ", std::strerror(errno)));
}

}  // namespace

absl::Status SetAsideFile::Add(const SetAsideEvent& event) {
  const std::string line =
      absl::StrCat("{\"time\":",
                   JsonQuote(absl::FormatTime(absl::RFC3339_full, event.time, absl::UTCTimeZone())),
                   ",\"epoch\":\"", absl::Hex(event.epoch, absl::kZeroPad16),
                   "\",\"lane\":", event.lane, ",\"sequence\":", event.sequence,
                   ",\"reason\":", JsonQuote(event.reason), ",\"detail\":", JsonQuote(event.detail),
                   ",\"record\":\"", Base64Encode(event.record), "\"}\n");
  struct stat info;
  if (stat(path_.c_str(), &info) == 0 && info.st_size > 0 &&
      static_cast<uint64_t>(info.st_size) + line.size() > max_bytes_) {
    if (rename(path_.c_str(), (path_ + ".1").c_str()) != 0) return Failure("renaming", path_);
  }
  const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Failure("opening", path_);
  absl::Cleanup closer = [fd] { close(fd); };
  const ssize_t written = write(fd, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) return Failure("writing", path_);
  if (fsync(fd) != 0) return Failure("syncing", path_);
  return absl::OkStatus();
}

}  // namespace latchwire::edge
