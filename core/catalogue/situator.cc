// Situator (docs: "Webhooks"). A type is `situator.` and the product's own; an event's data is one
// member of `events`.
#include "core/catalogue/situator.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/catalogue/systems.h"

namespace latchwire {
namespace {

// A type of the product, and what it is about: the first half of the canonical type.
struct Object {
  absl::string_view type;
  absl::string_view object;
  absl::string_view description;
  absl::string_view members;  // of an example, beside type, dateTime and accountId
};

constexpr Object kObjects[] = {
    {"access", "access", "Somebody went through a door or was refused; `authorized` says which.",
     R"("id":1891,"zoneId":1001,"serverId":1000,"doorId":1,"personId":1,"direction":1,)"
     R"("authorized":true,"openingType":7,"duress":false,"vehicleId":null,"visitorId":null,)"
     R"("credential":{"number":123,"cardType":1,"value":12345,"wiegand26":"...",)"
     R"("wiegand34":"...","code":"..."})"},
    {"occurrence", "occurrence",
     "An occurrence such as a call, panic, a forced door or one left open; `eventId` says which.",
     R"("subtype":1,"id":123,"eventId":11,"zoneId":1001,"personId":null,"visitorId":null)"},
    {"person", "person", "A person's registration was created, changed or deleted.",
     R"("subtype":1,"personId":31)"},
    {"scheduling", "visit", "A visit's schedule was created, changed or deleted.",
     R"("subtype":1,"schedulingId":77)"},
    {"visitorScheduling", "visit_visitor",
     "A visitor was added to a scheduled visit, changed or removed.",
     R"("subtype":1,"schedulingId":77,"visitorId":8)"},
    {"personCredencial", "person_credential", "A credential was given to a person or taken away.",
     R"("subtype":1,"personId":31,"credentialId":501)"},
    {"personUnit", "person_unit", "A person was linked to a unit or removed from it.",
     R"("subtype":1,"personId":31,"unitId":204)"},
    {"personZones", "person_zone", "A person was linked to zones or removed from them.",
     R"("subtype":1,"personId":31,"zoneId":1001)"},
    {"personAccess", "person_access", "The access data of a person changed.",
     R"("subtype":2,"personId":31)"},
    {"credential", "credential", "A credential was created, changed or deleted.",
     R"("subtype":1,"credentialId":501)"},
    {"unit", "unit", "A unit was created, changed or deleted.", R"("subtype":1,"unitId":204)"},
    {"serverResource", "server_resource", "A resource of a server was created, changed or deleted.",
     R"("subtype":2,"serverId":1000)"},
    {"fingerprint", "fingerprint", "A person's fingerprint was created, changed or deleted.",
     R"("subtype":1,"personId":31)"},
    {"imageAccesses", "face", "A person's facial image was created, changed or deleted.",
     R"("subtype":1,"personId":31)"},
    {"personProfile", "access_profile", "An access profile was created, changed or deleted.",
     R"("subtype":2,"personId":31)"},
    {"zone", "zone", "A zone was created, changed or deleted.", R"("subtype":1,"zoneId":1001)"},
    {"vehicle", "vehicle", "A vehicle was created, changed or deleted.",
     R"("subtype":1,"vehicleId":55)"},
    {"personVehicle", "person_vehicle", "A vehicle was linked to a person or removed.",
     R"("subtype":1,"personId":31,"vehicleId":55)"},
    {"visitor", "visitor", "A visitor was created, changed or deleted.",
     R"("subtype":1,"visitorId":8)"},
};

constexpr absl::string_view kDirections[] = {"none", "entry", "exit"};
constexpr absl::string_view kSubtypes[] = {"none", "created", "changed", "deleted"};
constexpr absl::string_view kOpeningTypes[] = {"none",
                                               "fingerprint",
                                               "card",
                                               "password",
                                               "control",
                                               "qr_code",
                                               "virtual_key",
                                               "remote_opening",
                                               "button_hole",
                                               "facial",
                                               "fingerprint_and_card",
                                               "card_and_password",
                                               "card_and_fingerprint_and_password",
                                               "fingerprint_and_password",
                                               "passive_tag",
                                               "lpr"};

absl::string_view ObjectOf(absl::string_view type) {
  static const auto* const kIndex = [] {
    auto* index = new absl::flat_hash_map<absl::string_view, absl::string_view>;
    for (const Object& entry : kObjects) index->emplace(entry.type, entry.object);
    return index;
  }();
  const auto found = kIndex->find(type);
  return found == kIndex->end() ? absl::string_view() : found->second;
}

// What is known to have happened to an object; `reported` when the device does not say.
absl::string_view ActionOf(const SituatorFacts& facts) {
  if (facts.type == "access") {
    if (!facts.authorized) return "reported";
    return *facts.authorized ? "granted" : "denied";
  }
  switch (facts.subtype.value_or(0)) {
    case 1:
      return "created";
    case 2:
      return "updated";
    case 3:
      return "deleted";
    default:
      return "reported";
  }
}

template <size_t kCount>
std::string NameOf(int64_t value, const absl::string_view (&names)[kCount]) {
  if (value >= 0 && value < static_cast<int64_t>(kCount)) return std::string(names[value]);
  return absl::StrCat(value);
}

}  // namespace

std::string CanonicalTypeOf(const SituatorFacts& facts) {
  const absl::string_view object = ObjectOf(facts.type);
  if (object.empty()) return "";
  if (facts.duress.value_or(false)) return "duress.signaled";
  return absl::StrCat(object, ".", ActionOf(facts));
}

std::map<std::string, std::string> SituatorAttributes(const SituatorFacts& facts) {
  std::map<std::string, std::string> attributes;
  if (facts.direction) attributes["direction"] = NameOf(*facts.direction, kDirections);
  if (facts.opening_type) attributes["opening_type"] = NameOf(*facts.opening_type, kOpeningTypes);
  if (facts.subtype) attributes["subtype"] = NameOf(*facts.subtype, kSubtypes);
  if (facts.authorized) attributes["authorized"] = *facts.authorized ? "true" : "false";
  if (facts.duress) attributes["duress"] = *facts.duress ? "true" : "false";
  return attributes;
}

CatalogueSystem SituatorSystem() {
  CatalogueSystem system = {
      .name = "situator", .description = "Situator, access control and monitoring", .types = {}};
  for (const Object& object : kObjects) {
    SituatorFacts nothing_else;
    nothing_else.type = std::string(object.type);
    system.types.push_back(
        {.name = absl::StrCat("situator.", object.type),
         .canonical_type = CanonicalTypeOf(nothing_else),
         .description = std::string(object.description),
         .example = absl::StrCat(R"({"type":")", object.type,
                                 R"(","dateTime":"2019-02-15T17:21:48.1201-02:00",)",
                                 R"("accountId":1000,)", object.members, "}")});
  }
  return system;
}

}  // namespace latchwire
