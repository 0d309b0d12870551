// The schema, as numbered steps that run at start.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "server/store/sqlite/connection.h"

namespace latchwire::sqlite {

// "LWir", so that `file` and a second look tell whose database it is.
inline constexpr int64_t kApplicationId = 0x4c576972;

// What PRAGMA user_version says when all steps have run.
int LatestSchemaVersion();

// Brings the database up to LatestSchemaVersion in one transaction; FAILED_PRECONDITION if it is
// newer already, or not ours. `path` is for the messages.
absl::Status Migrate(Connection* connection, absl::string_view path);

}  // namespace latchwire::sqlite
