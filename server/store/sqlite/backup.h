// Copies of a database: taken while a server writes to it, and put back.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace latchwire {

// Writes what is committed now in `database` to a new file `to`, mode 0600: one snapshot, beside
// whoever writes. Durable and checked on return; under its name only then. The log grows meanwhile.
// FAILED_PRECONDITION when `to` exists, or when `database` is not ours or of a newer schema.
absl::Status BackUpSqlite(const std::string& database, const std::string& to);

// Makes `database` from a file that BackUpSqlite wrote, which is checked as a whole first; also of
// an older schema, which the next start brings up to date. Durable on return; there as a whole or
// not at all. FAILED_PRECONDITION when there is a database, or when `from` is not ours or newer.
absl::Status RestoreSqlite(const std::string& from, const std::string& database);

}  // namespace latchwire
