// How the server logs: key=value lines to standard error.
#pragma once

#include <string>

namespace latchwire {

// `level` is debug, info, warn or error. gRPC's own lines come the same way.
void SetUpLogging(const std::string& level);

}  // namespace latchwire
