// The server's folder: one server at a time, and the first admin's and operator's keys.
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

// Held for as long as it lives; the kernel lets go of it when the process ends, however it ends.
class DataDirLock {
 public:
  // Creates the folder (0700) if need be. FAILED_PRECONDITION, naming the holder's process id, when
  // another server has it.
  static absl::StatusOr<DataDirLock> Take(const std::string& data_dir);
  DataDirLock(DataDirLock&& other) noexcept;
  DataDirLock& operator=(DataDirLock&&) = delete;
  ~DataDirLock();

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// A key that a server makes for whoever runs it.
struct FirstKey {
  Role role;
  TenantId tenant;
  const char* file;  // in the data folder
};
inline constexpr FirstKey kFirstKeys[] = {{Role::kAdmin, kDefaultTenant, "admin.key"},
                                          {Role::kOperator, kNoTenant, "operator.key"}};

// If the store has no key of this role at all, makes one and puts it into the file (0600). Returns
// the file's path when it did, else an empty text. The file is written first, so that no crash
// leaves a key that nobody knows. Before the writer's first step.
absl::StatusOr<std::string> EnsureKey(Store* store, const std::string& data_dir,
                                      const FirstKey& first, Clock* clock, Random* random);

// Replaces `path` as a whole, with mode 0600, durable on return.
absl::Status WritePrivateFile(const std::string& path, absl::string_view content);

}  // namespace latchwire
