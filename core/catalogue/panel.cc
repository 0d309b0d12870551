// BAS-IP style panels (docs: "Get Webhook Entity"). Types are spelled as the panels spell them. The
// vendor publishes an event's envelope but not its `data`; the examples have the members of its log
// entries.
#include "core/catalogue/systems.h"

namespace latchwire {
namespace {

constexpr absl::string_view kNothing = "{}";
constexpr absl::string_view kLock = R"({"lock_number":1})";
constexpr absl::string_view kTooLong = R"({"lock_number":1,"seconds":30})";
constexpr absl::string_view kIdentifier =
    R"({"lock_number":1,"identifier_type":"card","identifier_number":"12345678","name":"Alice Doe"})";
constexpr absl::string_view kShared =
    R"({"lock_number":1,"identifier_type":"url","identifier_number":"d1ae55","name":"Courier"})";
constexpr absl::string_view kFace =
    R"({"lock_number":1,"identifier_type":"face_id","identifier_number":"17","name":"Alice Doe"})";
constexpr absl::string_view kUnknown =
    R"({"lock_number":1,"identifier_type":"card","identifier_number":"12345678"})";
constexpr absl::string_view kQr =
    R"({"lock_number":1,"identifier_type":"qr","identifier_number":"12345678"})";
constexpr absl::string_view kInputCode =
    R"({"lock_number":1,"identifier_type":"inputCode","identifier_number":"1234"})";
constexpr absl::string_view kApi = R"({"lock_number":1,"host":"192.0.2.10","login":"admin"})";
constexpr absl::string_view kCallHost =
    R"({"lock_number":1,"number":"101","name":"Apartment 101"})";
constexpr absl::string_view kCall = R"({"number":"101","name":"Apartment 101"})";
constexpr absl::string_view kSip = R"({"sip_number":"1001","sip_server":"sip.example.com"})";
constexpr absl::string_view kLift = R"({"floor":3,"lift_number":1})";

struct Type {
  absl::string_view name;
  absl::string_view canonical_type;
  absl::string_view description;
  absl::string_view example;
};

constexpr Type kTypes[] = {
    {"log.access_denied_by_not_valid_identifier", "access.denied",
     "A known identifier was refused, because it is not valid here or now.", kIdentifier},
    {"log.access_denied_by_not_valid_face_identifier", "access.denied",
     "A known face was refused, because it is not valid here or now.", kFace},
    {"log.access_denied_by_not_valid_input_code", "access.denied",
     "A code that was typed in was refused.", kInputCode},
    {"log.access_denied_by_remote_server_api_call", "access.denied",
     "The remote access server refused an identifier.", kIdentifier},
    {"log.access_denied_by_unknown_card", "access.denied",
     "A card that the panel does not know was refused.", kUnknown},
    {"log.access_granted_by_api_call", "access.granted",
     "A lock was opened through the panel's API.", kApi},
    {"log.access_granted_by_call_host", "access.granted",
     "The called party opened the lock during a call.", kCallHost},
    {"log.access_granted_by_master_code", "access.granted", "The master code opened the lock.",
     kLock},
    {"log.access_granted_by_remote_server_api_call", "access.granted",
     "The remote access server let an identifier in.", kIdentifier},
    {"log.access_granted_by_valid_identifier", "access.granted",
     "A valid identifier opened the lock.", kIdentifier},
    {"log.door_was_closed", "door.closed", "The door was closed.", kLock},
    {"log.door_sensor_was_closed", "door.closed", "The door's sensor reported that it was closed.",
     kLock},
    {"log.door_was_opened", "door.opened", "The door was opened.", kLock},
    {"log.door_sensor_was_opened", "door.opened", "The door's sensor reported that it was opened.",
     kLock},
    {"log.emergency_lock_is_opened", "lock.emergency_opened",
     "The lock was opened for an emergency.", kLock},
    {"log.lock_is_opened_to_long", "door.held_open", "The lock has been open for too long.",
     kTooLong},
    {"log.lock_was_opened_by_exit_btn", "lock.opened", "The exit button opened the lock.", kLock},
    {"log.lock_was_opened_by_free_access_button", "lock.opened",
     "The free access button opened the lock.", kLock},
    {"log.incoming_call", "call.started", "Somebody calls the panel.", kCall},
    {"log.outgoing_call", "call.started", "Somebody at the panel calls an apartment.", kCall},
    {"log.outgoing_call_missed", "call.missed", "A call from the panel was not answered.", kCall},
    {"log.device_booted", "device.booted", "The panel has started.", kNothing},
    {"log.sip_registration_lost", "device.sip_registration_lost",
     "The panel lost its registration with the SIP server.", kSip},
    {"log.outgoing_call_web", "call.started",
     "A call from the panel was started through its web interface.", kCall},
    {"log.incorrect_login_api_call", "login.failed", "A login to the API failed.", kApi},
    {"log.incorrect_login_gui_settings", "login.failed",
     "A login to the settings on the panel's screen failed.", kNothing},
    {"log.successful_login_api_call", "login.succeeded", "Somebody logged in to the API.", kApi},
    {"log.successful_login_gui_settings", "login.succeeded",
     "Somebody logged in to the settings on the panel's screen.", kNothing},
    {"log.door_was_not_closed_too_long", "door.held_open", "The door has been open for too long.",
     kTooLong},
    {"log.tamper_event", "tamper.detected", "The panel's case was opened or the panel was moved.",
     kNothing},
    {"log.multi_access_granted", "access.granted",
     "All identifiers that the door asks for together were valid.", kIdentifier},
    {"log.identifiers_without_linkage_to_user_access_denied", "access.denied",
     "Identifiers that belong to nobody were refused.", kUnknown},
    {"log.multi_access_denied", "access.denied",
     "Not all identifiers that the door asks for together were valid.", kIdentifier},
    {"log.access_denied_by_unknown_qr", "access.denied",
     "A QR code that the panel does not know was refused.", kQr},
    {"log.access_denied_unknown_identifier", "access.denied",
     "An identifier that the panel does not know was refused.", kUnknown},
    {"log.lift_call_success", "lift.called", "A lift was called.", kLift},
    {"log.lift_call_error", "lift.failed", "A lift could not be called.", kLift},
    {"log.lift_module_access_error", "lift.failed", "The lift's module could not be reached.",
     kLift},
    {"log.access_granted_by_shared_identifier", "access.granted",
     "A shared identifier opened the lock.", kShared},
    {"log.access_denied_by_not_valid_shared_identifier", "access.denied",
     "A shared identifier was refused, because it is not valid here or now.", kShared},
    {"log.bond_lift_request", "lift.requested", "A lift was asked for over the bond interface.",
     kLift},
};

}  // namespace

CatalogueSystem PanelSystem() {
  CatalogueSystem system = {
      .name = "panel", .description = "BAS-IP style intercom panels", .types = {}};
  for (const Type& type : kTypes) {
    system.types.push_back({.name = std::string(type.name),
                            .canonical_type = std::string(type.canonical_type),
                            .description = std::string(type.description),
                            .example = std::string(type.example)});
  }
  return system;
}

}  // namespace latchwire
