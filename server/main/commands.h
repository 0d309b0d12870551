// `latchwire-server backup` and `latchwire-server restore`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace latchwire {

// Runs the command that the first argument names and gives the process's exit code; nothing when
// the first argument is a flag or missing, and a server is meant. `arguments` are without the
// program's name.
std::optional<int> RunCommand(const std::vector<std::string>& arguments);

}  // namespace latchwire
