// Makes a new database file.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace latchwire::sqlite {

// Makes the database if there is no file at `path`. It appears there complete, with its schema and
// mode 0600, so that others who open it meanwhile never see one half made. Never opens a file that
// exists: closing it again would give up the locks that this process has on it through other
// handles.
absl::Status CreateIfMissing(const std::string& path);

}  // namespace latchwire::sqlite
