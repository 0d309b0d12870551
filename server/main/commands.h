// `latchwire-server backup` and `latchwire-server restore`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace latchwire {

// Runs the command that the first argument names and returns the process's exit code; nullopt if
// the first argument is a flag or missing, which means the server. `arguments` exclude the
// program's name.
std::optional<int> RunCommand(const std::vector<std::string>& arguments);

}  // namespace latchwire
