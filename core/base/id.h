// Unique identifiers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/clock.h"
#include "core/base/random.h"

namespace latchwire {

// A UUID by RFC 9562. Version 7 ids sort by the millisecond in which they were made; within one
// millisecond, ids made with the same Random (a process has one) sort in the order of their
// creation. As thread-safe as the Random.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  static Uuid MakeV4(Random* random);
  // `now` may go back, as a device's clock does: the id is still unique, but sorts earlier.
  static Uuid MakeV7(absl::Time now, Random* random);
  // Accepts only the canonical form of 36 characters, in either case.
  static std::optional<Uuid> Parse(absl::string_view text);
  std::string ToString() const;  // canonical, lower case

  friend bool operator==(const Uuid&, const Uuid&) = default;
};

}  // namespace latchwire
