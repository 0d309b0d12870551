// How the agent logs: key=value lines to standard error.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace latchwire::edge {

// `level` is debug, info, warn or error. gRPC's own lines come the same way.
void SetUpLogging(const std::string& level);

// Thread-safe; may be used before. `text` may hold anything: it is escaped.
void LogDebug(absl::string_view text);
void LogInfo(absl::string_view text);
void LogWarning(absl::string_view text);

}  // namespace latchwire::edge
