// Identifiers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/clock.h"
#include "core/base/random.h"

namespace latchwire {

// RFC 9562. Version 7 ids sort by the millisecond in which they were made, and within a
// millisecond, those made with the same Random (a process has one) sort in the order made.
// Thread-safe as far as the Random is.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  static Uuid MakeV4(Random* random);
  // `now` may go back (a device's clock): the id then still differs, but sorts earlier.
  static Uuid MakeV7(absl::Time now, Random* random);
  // Accepts only the canonical form, 36 characters, either case.
  static std::optional<Uuid> Parse(absl::string_view text);
  std::string ToString() const;  // canonical, lower case

  friend bool operator==(const Uuid&, const Uuid&) = default;
};

}  // namespace latchwire
