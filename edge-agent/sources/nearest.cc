#include "edge-agent/sources/nearest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace latchwire::edge {
namespace {

constexpr size_t kMaxComparedBytes = 128;

// Levenshtein's, one row at a time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// Of the folders that both start with, how long the longest is; "/" alone does not count.
size_t CommonFolder(absl::string_view a, absl::string_view b) {
  size_t length = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) {
    if (a[i] == '/' && i > 0) length = i + 1;
  }
  return length;
}

}  // namespace

std::string NearestPath(absl::string_view given, const std::vector<std::string>& paths) {
  const std::string wanted = absl::AsciiStrToLower(given.substr(0, kMaxComparedBytes));
  const std::string* nearest = nullptr;
  size_t fewest = 0;
  const std::string* beside = nullptr;
  size_t longest = 0;
  for (const std::string& path : paths) {
    const size_t edits = EditDistance(wanted, absl::AsciiStrToLower(path));
    if (edits * 3 <= path.size() && (nearest == nullptr || edits < fewest)) {
      nearest = &path;
      fewest = edits;
    }
    const size_t common = CommonFolder(wanted + "/", path + "/");
    if (common > longest) {
      beside = &path;
      longest = common;
    }
  }
  if (nearest != nullptr) return *nearest;
  return beside != nullptr ? *beside : "";
}

}  // namespace latchwire::edge
