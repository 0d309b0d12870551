// Named values of a message: a decoded HTTP query, or the equivalent of another source.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire {

// Named values in the order given; a name may occur more than once. Names and values are UTF-8.
class Parameters {
 public:
  // Decodes the query of a request target, without the `?`: percent escapes, and `+` as a space.
  // INVALID_ARGUMENT for a broken escape or one that does not decode to UTF-8.
  static absl::StatusOr<Parameters> FromQuery(absl::string_view text);

  void Add(std::string name, std::string value);

  // The last value with that name, as most servers read it; nullopt if there is none.
  std::optional<absl::string_view> Find(absl::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

}  // namespace latchwire
