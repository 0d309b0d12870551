// The server's data directory: its lock, and the first admin's and operator's keys.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/domain/api_key.h"
#include "server/store/store.h"

namespace latchwire {

// A lock held for as long as the object lives; the kernel releases it when the process ends,
// however it ends.
class DataDirLock {
 public:
  // Creates the directory (0700) if it is missing. FAILED_PRECONDITION, naming the holder's process
  // id, if another server has it.
  static absl::StatusOr<DataDirLock> Take(const std::string& data_dir);
  DataDirLock(DataDirLock&& other) noexcept;
  DataDirLock& operator=(DataDirLock&&) = delete;
  ~DataDirLock();

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// A key that the server creates for its operator.
struct FirstKey {
  Role role;
  TenantId tenant;
  const char* file;  // in the data folder
};
inline constexpr FirstKey kFirstKeys[] = {{Role::kAdmin, kDefaultTenant, "admin.key"},
                                          {Role::kOperator, kNoTenant, "operator.key"}};

// If the store has no key of this role, creates one and writes it to the file (0600). Returns the
// file's path if it did, else an empty string. The file is written first, so that no crash leaves a
// key that nobody knows. Called before the writer's first step.
absl::StatusOr<std::string> EnsureKey(Store* store, const std::string& data_dir,
                                      const FirstKey& first, Clock* clock, Random* random);

// Replaces the whole file `path`, with mode 0600; durable on return.
absl::Status WritePrivateFile(const std::string& path, absl::string_view content);

}  // namespace latchwire
