// Situator describes what happened in an event's members rather than in its type.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace latchwire {

// The members of a Situator event that decide what it means. Members that are missing, or whose
// JSON type differs from the product's, are left unset.
struct SituatorFacts {
  std::string type;  // the product's own, without our `situator.`
  std::optional<int64_t> subtype;
  std::optional<int64_t> direction;
  std::optional<int64_t> opening_type;
  std::optional<bool> authorized;
  std::optional<bool> duress;
};

// Empty for a type that the product does not have. Duress outranks authorized: an opened door under
// threat is an alarm first. Without facts this is the canonical type of the catalogue's row.
std::string CanonicalTypeOf(const SituatorFacts& facts);
// Event attributes for the facts that are set: `direction` (none, entry, exit), `opening_type`
// (card, facial, lpr, ...), `subtype` (none, created, changed, deleted), `authorized` and `duress`
// (true, false). A number without a name stays a number.
std::map<std::string, std::string> SituatorAttributes(const SituatorFacts& facts);

}  // namespace latchwire
