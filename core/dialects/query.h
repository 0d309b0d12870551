// A request target's path and query, decoded.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace latchwire {

// Parameters in the order given. `+` is a space.
class Query {
 public:
  // INVALID_ARGUMENT for a broken escape, or for what is not UTF-8 when decoded.
  static absl::StatusOr<Query> Parse(absl::string_view text);

  // The last one of that name, as most servers read it.
  std::optional<absl::string_view> Find(absl::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace latchwire
