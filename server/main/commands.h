// `latchwire-server backup` and `latchwire-server restore`.
#pragma once

#include <optional>

namespace latchwire {

// Runs the command that the first argument names and gives the process's exit code; nothing when
// the first argument is a flag or missing, and a server is meant.
std::optional<int> RunCommand(int argc, char** argv);

}  // namespace latchwire
