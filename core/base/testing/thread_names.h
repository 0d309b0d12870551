// The threads of the running test, as top and perf show them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

namespace latchwire {

// The names of all threads of this process, each once, also of those of libraries.
inline std::set<std::string> ThreadNames() {
  std::set<std::string> names;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    if (std::getline(file, name)) names.insert(name);
  }
  return names;
}

// Blocks until threads of all these names are there: a thread names itself a moment after it began.
inline void WaitForThreads(const std::set<std::string>& names) {
  while (true) {
    const std::set<std::string> now = ThreadNames();
    if (std::includes(now.begin(), now.end(), names.begin(), names.end())) return;
    std::this_thread::yield();
  }
}

}  // namespace latchwire
