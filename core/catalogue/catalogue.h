// Describes the event types of each system: what a type means in Latchwire's own words, how urgent
// it is, for how long it may act, and what its payload looks like. One file per system, one row per
// system in catalogue.cc; docs/formats/canonical-types.md states the mapping for users.
//
// All of it is built on first use, never changes afterwards, and lives as long as the process:
// pointers and spans may be kept, and every function may be called from any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace latchwire {

struct CatalogueType {
  // The system's own name of the type, as events carry it in `type` (`acogo.ez_open`), or, for a
  // canonical type, that type (`door.opened`).
  std::string name;
  // What it means, independent of the system. Empty for the server's operational events only.
  std::string canonical_type;
  std::string description;  // one sentence, for people
  int priority = 0;         // 0 (background) to 9 (alarm)
  // How long after its receipt the event may still trigger an action, such as opening a door.
  // Infinite for records and alarms, which are worth knowing at any time.
  absl::Duration act_by_age = absl::InfiniteDuration();
  std::string example;  // an event's `data`: JSON, with the members that the system sends
};

struct CatalogueSystem {
  std::string name;         // `acogo`
  std::string description;  // one sentence, for people
  std::vector<CatalogueType> types;
};

// Every system in the order of the table. The system `latchwire` has the server's operational
// events; its other types are CanonicalTypes().
absl::Span<const CatalogueSystem> Systems();
// Latchwire's own vocabulary; in each entry `canonical_type` equals `name`.
absl::Span<const CatalogueType> CanonicalTypes();

// A type of any of the Systems() by its own name; null when no system has it. One look-up in a hash
// table.
const CatalogueType* FindType(absl::string_view name);
// An entry of CanonicalTypes(); null if there is none, as for a user-defined canonical type.
const CatalogueType* FindCanonicalType(absl::string_view name);

// Priority by meaning: 9 panic and duress, 8 tamper, forced and emergency, 7 occurrences, else 4.
// Canonical types that are not in the catalogue are judged by their first segment.
int PriorityOf(absl::string_view canonical_type);

}  // namespace latchwire
