// Collects the violations of a value, field by field. For the checks in this folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/domain/validation.h"
#include "core/json/utf8.h"

namespace latchwire {

inline constexpr absl::string_view kTypeRule =
    "must be dot-separated segments of A-Z a-z 0-9 _ -, 1 to 200 characters";

class Violations {
 public:
  explicit Violations(absl::string_view prefix) : prefix_(prefix) {}

  template <typename... Parts>
  void Add(absl::string_view path, const Parts&... description) {
    found_.push_back(
        {absl::StrCat(prefix_, prefix_.empty() ? "" : ".", path), absl::StrCat(description...)});
  }

  // Requires text of at most `limit` code points that every store can hold.
  void CheckText(absl::string_view path, absl::string_view text, size_t limit) {
    const size_t count = CodePointCount(text);
    if (count == absl::string_view::npos) {
      Add(path, "is not valid UTF-8");
    } else if (count > limit) {
      Add(path, "must be at most ", limit, " characters, has ", count);
    } else if (absl::StrContains(text, '\0')) {
      Add(path, "must not hold U+0000");
    }
  }

  // The same with a limit in bytes.
  void CheckBytes(absl::string_view path, absl::string_view text, size_t limit) {
    if (text.size() > limit) {
      Add(path, "must be at most ", limit, " bytes, has ", text.size());
    } else {
      CheckText(path, text, limit);
    }
  }

  void CheckCount(absl::string_view path, size_t count, size_t limit) {
    if (count > limit) Add(path, "must have at most ", limit, " entries, has ", count);
  }

  template <typename Number>
  void CheckRange(absl::string_view path, Number value, Number min, Number max) {
    if (!(value >= min && value <= max)) {  // so that NaN is refused
      Add(path, "must be ", min, " to ", max, ", is ", value);
    }
  }

  void CheckDuration(absl::string_view path, absl::Duration value, absl::Duration min,
                     absl::Duration max) {
    if (value < min || value > max) {
      Add(path, "must be ", absl::FormatDuration(min), " to ", absl::FormatDuration(max), ", is ",
          absl::FormatDuration(value));
    }
  }

  std::vector<FieldViolation> Take() { return std::move(found_); }

 private:
  const absl::string_view prefix_;
  std::vector<FieldViolation> found_;
};

// Returns the path of a map's entry. The key may be anything, so it is shown shortened and escaped.
inline std::string EntryPath(absl::string_view map, absl::string_view key) {
  constexpr size_t kShown = 64;
  return absl::StrCat(map, "[\"", absl::CHexEscape(key.substr(0, kShown)),
                      key.size() > kShown ? "...\"]" : "\"]");
}

}  // namespace latchwire
