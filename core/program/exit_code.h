// The exit codes of both programs; --help and docs/operating.md list them.
#pragma once

namespace latchwire {

// Stopped on request, or printed what was asked for (--help, --version, a command's result).
inline constexpr int kExitOk = 0;
// Could not start or carry out the command: a port in use, a failing disk. The same call may
// succeed later.
inline constexpr int kExitFailed = 1;
// A setting, an argument or a command is wrong: the same call fails again.
inline constexpr int kExitUsage = 2;

}  // namespace latchwire
