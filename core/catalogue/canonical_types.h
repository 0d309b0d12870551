// What the devices' own words mean in Latchwire's: the one table of both, and the names of the
// fields that come with them. docs/formats/canonical-types.md states it for users.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace latchwire {

// The canonical type of a device's own type, as events carry it (`acogo.ez_open`,
// `log.tamper_event`, `situator.zone`). Empty when nothing fits, as for types of our users' own.
// Situator's say more with their fields: see below.
std::string CanonicalTypeOf(absl::string_view type);

// The members of a Situator event that decide what it means; those not given, or of another JSON
// type than the product's, are left out.
struct SituatorFacts {
  std::string type;  // the product's own, without our `situator.`
  std::optional<int64_t> subtype;
  std::optional<int64_t> direction;
  std::optional<int64_t> opening_type;
  std::optional<bool> authorized;
  std::optional<bool> duress;
};

// Empty for a type that the product does not have. Duress outranks authorized: an opened door under
// threat is an alarm first.
std::string CanonicalTypeOf(const SituatorFacts& facts);
// Event attributes out of the facts that are given: `direction` (none, entry, exit), `opening_type`
// (card, facial, lpr, ...), `subtype` (none, created, changed, deleted), `authorized` and `duress`
// (true, false). A number without a name stays a number.
std::map<std::string, std::string> SituatorAttributes(const SituatorFacts& facts);

// One row of the table, for documentation and tests: Situator's without facts.
struct CanonicalTypeEntry {
  absl::string_view type;
  absl::string_view canonical_type;
};
std::vector<CanonicalTypeEntry> CanonicalTypeTable();

}  // namespace latchwire
