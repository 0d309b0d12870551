// Latchwire's own words: the canonical types that the rows of all systems name, and the server's
// operational events.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/catalogue/systems.h"

namespace latchwire {
namespace {

constexpr int kNormalPriority = 4;

struct PriorityRule {
  absl::string_view prefix;  // of a canonical type
  int priority;
};
constexpr PriorityRule kPriorities[] = {
    {"panic.", 9},
    {"duress.", 9},
    {"tamper.", 8},
    {"door.forced", 8},
    {"lock.emergency_opened", 8},
    {"occurrence.", 7},
};

// What happens at a door. Nobody wants a gate to open because of a ring an hour ago; an alarm is
// news however late.
constexpr bool kActs = true;
constexpr absl::Duration kActByAge = absl::Seconds(60);

struct Happening {
  absl::string_view name;
  absl::string_view description;
  absl::string_view example;
  bool acts = false;
};

constexpr Happening kHappenings[] = {
    {"access.granted", "Somebody was let in.", R"({"door":"front","person":"31"})", kActs},
    {"access.denied", "Somebody was refused.", R"({"door":"front","card":"12345678"})"},
    {"access.reported", "Somebody was let in or refused; the device does not say which.",
     R"({"door":"front"})"},
    {"door.opened", "A door was opened.", R"({"door":"front"})", kActs},
    {"door.closed", "A door was closed.", R"({"door":"front"})"},
    {"door.forced", "A door was opened by force.", R"({"door":"front"})"},
    {"door.held_open", "A door has been open for too long.", R"({"door":"front","seconds":30})"},
    {"lock.opened", "A lock was opened.", R"({"lock":1})", kActs},
    {"lock.emergency_opened", "A lock was opened for an emergency.", R"({"lock":1})"},
    {"output.triggered", "An output was switched, such as a gate's or a light's.",
     R"({"output":"f2"})", kActs},
    {"video.switched", "A video switch went over to another camera.", R"({"camera":"12"})", kActs},
    {"ring.pressed", "Somebody rang.", R"({"button":1})", kActs},
    {"call.started", "A call was started.", R"({"number":"101"})", kActs},
    {"call.missed", "A call was not answered.", R"({"number":"101"})", kActs},
    {"lift.called", "A lift was called.", R"({"floor":3})", kActs},
    {"lift.requested", "A lift was asked for.", R"({"floor":3})", kActs},
    {"lift.failed", "A lift could not be called.", R"({"floor":3})"},
    {"panic.pressed", "Somebody pressed a panic button.", R"({"button":"desk"})"},
    {"duress.signaled", "Somebody opened a door under threat and signalled it.",
     R"({"door":"front","person":"31"})"},
    {"tamper.detected", "A device was opened or moved.", R"({"contact":"case"})"},
    {"device.booted", "A device has started.", R"({"version":"2.1.0"})"},
    {"device.sip_registration_lost", "A device lost its registration with the SIP server.",
     R"({"sip_server":"sip.example.com"})"},
    {"login.succeeded", "Somebody logged in to a device.", R"({"login":"admin"})"},
    {"login.failed", "A login to a device failed.", R"({"login":"admin"})"},
    {"payment.received", "A payment was received.", R"({"id":"105","total":49.9})"},
    {"payment.renewal_created", "The payment that renews a membership was created.",
     R"({"id":"105","total":49.9})"},
    {"site.published", "A website was published.", R"({"id":"3"})"},
    {"email_address.confirmation_requested", "Somebody was asked to confirm an e-mail address.",
     R"({"email":"alice@example.com"})"},
};

// Records that people keep of persons, credentials, customers, and what was done to them.
constexpr absl::string_view kRegistry = "created updated deleted reported";
constexpr absl::string_view kCrm = "created updated deleted destroyed restored upserted";
constexpr absl::string_view kRegistryAndCrm =
    "created updated deleted reported destroyed restored upserted";
constexpr absl::string_view kShop = "created updated";

struct Record {
  absl::string_view object;
  absl::string_view title;  // begins a sentence
  absl::string_view actions;
};

constexpr Record kRecords[] = {
    {"occurrence", "An occurrence", kRegistry},
    {"person", "A person", kRegistryAndCrm},
    {"visit", "A visit", kRegistry},
    {"visit_visitor", "A visit's visitor", kRegistry},
    {"person_credential", "A person's credential", kRegistry},
    {"person_unit", "A person's link to a unit", kRegistry},
    {"person_zone", "A person's link to zones", kRegistry},
    {"person_access", "A person's access data", kRegistry},
    {"credential", "A credential", kRegistry},
    {"unit", "A unit", kRegistry},
    {"server_resource", "A server's resource", kRegistry},
    {"fingerprint", "A fingerprint", kRegistry},
    {"face", "A facial image", kRegistry},
    {"access_profile", "An access profile", kRegistry},
    {"zone", "A zone", kRegistry},
    {"vehicle", "A vehicle", kRegistry},
    {"person_vehicle", "A person's vehicle", kRegistry},
    {"visitor", "A visitor", kRegistry},
    {"company", "A company", kCrm},
    {"opportunity", "An opportunity", kCrm},
    {"note", "A note", kCrm},
    {"note_target", "A note's link to a record", kCrm},
    {"task", "A task", kCrm},
    {"task_target", "A task's link to a record", kCrm},
    {"attachment", "An attached file", kCrm},
    {"workspace_member", "A workspace's member", kCrm},
    {"calendar_event", "A calendar's entry", kCrm},
    {"customer", "A customer", kShop},
    {"membership", "A membership", kShop},
    {"payment", "A payment", kShop},
    {"domain", "A domain", "created"},
};

std::string Sentence(const Record& record, absl::string_view action) {
  if (action == "reported") {
    return absl::StrCat(record.title,
                        " was reported; the system does not say what was done to it.");
  }
  if (action == "upserted") return absl::StrCat(record.title, " was created or updated.");
  if (action == "destroyed") return absl::StrCat(record.title, " was permanently deleted.");
  return absl::StrCat(record.title, " was ", action, ".");
}

CatalogueType Canonical(std::string name, std::string description, std::string example, bool acts) {
  CatalogueType type;
  type.priority = PriorityOf(name);
  type.act_by_age = acts ? kActByAge : absl::InfiniteDuration();
  type.canonical_type = name;
  type.name = std::move(name);
  type.description = std::move(description);
  type.example = std::move(example);
  return type;
}

}  // namespace

int PriorityOf(absl::string_view canonical_type) {
  for (const PriorityRule& rule : kPriorities) {
    const bool family = rule.prefix.back() == '.';
    if (family ? absl::StartsWith(canonical_type, rule.prefix) : canonical_type == rule.prefix) {
      return rule.priority;
    }
  }
  return kNormalPriority;
}

std::vector<CatalogueType> CanonicalVocabulary() {
  std::vector<CatalogueType> types;
  for (const Happening& one : kHappenings) {
    types.push_back(Canonical(std::string(one.name), std::string(one.description),
                              std::string(one.example), one.acts));
  }
  for (const Record& record : kRecords) {
    for (const absl::string_view action : absl::StrSplit(record.actions, ' ')) {
      types.push_back(Canonical(absl::StrCat(record.object, ".", action), Sentence(record, action),
                                R"({"id":"31"})", !kActs));
    }
  }
  return types;
}

CatalogueSystem LatchwireSystem() {
  return {
      .name = "latchwire",
      .description = "This server",
      .types = {
          {.name = "latchwire.webhook.suspended",
           .canonical_type = "",
           .description = "The server has stopped a webhook; `reason` says why.",
           .example =
               R"({"webhook":{"name":"webhooks/6f0c7a52-3c1e-4f0e-9d35-0c5b1f6a7e11",)"
               R"("uid":7,"display_name":"Alarm desk","url":"https://example.com/hook"},)"
               R"("reason":"receiver answered 410 Gone","time":"2026-01-02T03:04:05.006Z"})"},
          {.name = "latchwire.delivery.dead",
           .canonical_type = "",
           .description = "No attempt of a delivery is left.",
           .example = R"({"webhook":{"name":"webhooks/6f0c7a52-3c1e-4f0e-9d35-0c5b1f6a7e11",)"
                      R"("uid":7,"display_name":"Alarm desk","url":"https://example.com/hook"},)"
                      R"("delivery":"deliveries/7-1234","event":{"id":"e-1","number":1234,)"
                      R"("type":"door.opened","source":"panel-1","subject":"door-7"},)"
                      R"("attempt_count":10,"last_http_status":503,"last_error":"",)"
                      R"("time":"2026-01-02T03:04:05.006Z"})"},
      }};
}

}  // namespace latchwire
