#include "core/catalogue/canonical_types.h"

#include <iterator>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace latchwire {
namespace {

constexpr absl::string_view kSituatorPrefix = "situator.";

constexpr CanonicalTypeEntry kPlainTypes[] = {
    // acoGO!. The strike is called a door by the product, which has no sensor on it.
    {"acogo.ez_open", "door.opened"},
    {"acogo.f2_open", "output.triggered"},
    {"acogo.video_switch_with_address", "video.switched"},
    {"acogo.io_module_ring", "ring.pressed"},
    // Panels. Spelled as they spell it.
    {"log.access_denied_by_not_valid_identifier", "access.denied"},
    {"log.access_denied_by_not_valid_face_identifier", "access.denied"},
    {"log.access_denied_by_not_valid_input_code", "access.denied"},
    {"log.access_denied_by_remote_server_api_call", "access.denied"},
    {"log.access_denied_by_unknown_card", "access.denied"},
    {"log.access_granted_by_api_call", "access.granted"},
    {"log.access_granted_by_call_host", "access.granted"},
    {"log.access_granted_by_master_code", "access.granted"},
    {"log.access_granted_by_remote_server_api_call", "access.granted"},
    {"log.access_granted_by_valid_identifier", "access.granted"},
    {"log.door_was_closed", "door.closed"},
    {"log.door_sensor_was_closed", "door.closed"},
    {"log.door_was_opened", "door.opened"},
    {"log.door_sensor_was_opened", "door.opened"},
    {"log.emergency_lock_is_opened", "lock.emergency_opened"},
    {"log.lock_is_opened_to_long", "door.held_open"},
    {"log.lock_was_opened_by_exit_btn", "lock.opened"},
    {"log.lock_was_opened_by_free_access_button", "lock.opened"},
    {"log.incoming_call", "call.started"},
    {"log.outgoing_call", "call.started"},
    {"log.outgoing_call_missed", "call.missed"},
    {"log.device_booted", "device.booted"},
    {"log.sip_registration_lost", "device.sip_registration_lost"},
    {"log.outgoing_call_web", "call.started"},
    {"log.incorrect_login_api_call", "login.failed"},
    {"log.incorrect_login_gui_settings", "login.failed"},
    {"log.successful_login_api_call", "login.succeeded"},
    {"log.successful_login_gui_settings", "login.succeeded"},
    {"log.door_was_not_closed_too_long", "door.held_open"},
    {"log.tamper_event", "tamper.detected"},
    {"log.multi_access_granted", "access.granted"},
    {"log.identifiers_without_linkage_to_user_access_denied", "access.denied"},
    {"log.multi_access_denied", "access.denied"},
    {"log.access_denied_by_unknown_qr", "access.denied"},
    {"log.access_denied_unknown_identifier", "access.denied"},
    {"log.lift_call_success", "lift.called"},
    {"log.lift_call_error", "lift.failed"},
    {"log.lift_module_access_error", "lift.failed"},
    {"log.access_granted_by_shared_identifier", "access.granted"},
    {"log.access_denied_by_not_valid_shared_identifier", "access.denied"},
    {"log.bond_lift_request", "lift.requested"},
};

// Situator's type, and what it is about: the first half of the canonical type.
struct SituatorObject {
  absl::string_view type;
  absl::string_view object;
};
constexpr SituatorObject kSituatorObjects[] = {
    {"access", "access"},
    {"occurrence", "occurrence"},
    {"person", "person"},
    {"scheduling", "visit"},
    {"visitorScheduling", "visit_visitor"},
    {"personCredencial", "person_credential"},
    {"personUnit", "person_unit"},
    {"personZones", "person_zone"},
    {"personAccess", "person_access"},
    {"credential", "credential"},
    {"unit", "unit"},
    {"serverResource", "server_resource"},
    {"fingerprint", "fingerprint"},
    {"imageAccesses", "face"},
    {"personProfile", "access_profile"},
    {"zone", "zone"},
    {"vehicle", "vehicle"},
    {"personVehicle", "person_vehicle"},
    {"visitor", "visitor"},
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

absl::string_view ObjectOf(absl::string_view situator_type) {
  for (const SituatorObject& entry : kSituatorObjects) {
    if (entry.type == situator_type) return entry.object;
  }
  return "";
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

std::string CanonicalTypeOf(absl::string_view type) {
  static const auto* const kTable = [] {
    auto* table = new absl::flat_hash_map<absl::string_view, absl::string_view>;
    for (const CanonicalTypeEntry& entry : kPlainTypes) {
      table->emplace(entry.type, entry.canonical_type);
    }
    return table;
  }();
  const auto found = kTable->find(type);
  if (found != kTable->end()) return std::string(found->second);
  if (!absl::ConsumePrefix(&type, kSituatorPrefix)) return "";
  SituatorFacts facts;
  facts.type = std::string(type);
  return CanonicalTypeOf(facts);
}

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

std::vector<CanonicalTypeEntry> CanonicalTypeTable() {
  static const auto* const kSituator = [] {
    auto* rows = new std::vector<std::pair<std::string, std::string>>;
    for (const SituatorObject& entry : kSituatorObjects) {
      SituatorFacts facts;
      facts.type = std::string(entry.type);
      rows->emplace_back(absl::StrCat(kSituatorPrefix, entry.type), CanonicalTypeOf(facts));
    }
    return rows;
  }();
  std::vector<CanonicalTypeEntry> table(std::begin(kPlainTypes), std::end(kPlainTypes));
  for (const auto& [type, canonical_type] : *kSituator) table.push_back({type, canonical_type});
  return table;
}

}  // namespace latchwire
