// Situator: POST /in/situator with {"name":...,"token":...,"events":[{...},...]}. Each member of
// `events` becomes an event whose data is that member's exact bytes.
#include "core/catalogue/situator.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/dialect.h"
#include "core/domain/limits.h"
#include "core/json/json_text.h"

namespace latchwire {
namespace {

// What an event is about, by the first of these that it names.
struct SubjectMember {
  absl::string_view member;
  absl::string_view prefix;
};
constexpr SubjectMember kSubjects[] = {
    {"doorId", "door-"},       {"zoneId", "zone-"},       {"personId", "person-"},
    {"visitorId", "visitor-"}, {"vehicleId", "vehicle-"}, {"unitId", "unit-"},
};
struct NumberAttribute {
  absl::string_view member;
  absl::string_view attribute;
};
constexpr NumberAttribute kNumbers[] = {
    {"accountId", "account_id"},
    {"serverId", "server_id"},
    {"eventId", "event_id"},
};

std::optional<int64_t> IntegerOf(const std::vector<JsonMember>& members, absl::string_view name) {
  const auto value = FindMember(members, name);
  return value ? JsonInteger(*value) : std::nullopt;
}

std::optional<bool> BoolOf(const std::vector<JsonMember>& members, absl::string_view name) {
  const auto value = FindMember(members, name);
  return value ? JsonBool(*value) : std::nullopt;
}

std::string StringOf(const std::vector<JsonMember>& members, absl::string_view name) {
  const auto value = FindMember(members, name);
  return value ? JsonString(*value).value_or("") : "";
}

absl::StatusOr<Event> ReadEvent(absl::string_view text, const IntakeCredential& credential,
                                const std::string& path) {
  const auto members = JsonMembers(text);
  if (!members) return FieldError(path, "must be an object");
  SituatorFacts facts;
  facts.type = StringOf(*members, "type");
  if (facts.type.empty()) return FieldError(path + ".type", "must be a text that is not empty");
  facts.subtype = IntegerOf(*members, "subtype");
  facts.direction = IntegerOf(*members, "direction");
  facts.opening_type = IntegerOf(*members, "openingType");
  facts.authorized = BoolOf(*members, "authorized");
  facts.duress = BoolOf(*members, "duress");

  Event event;
  event.type = absl::StrCat("situator.", facts.type);
  event.canonical_type = CanonicalTypeOf(facts);
  event.priority = PriorityOf(event.canonical_type);
  event.source = credential.source.empty() ? "situator" : credential.source;
  if (const auto server = IntegerOf(*members, "serverId")) {
    absl::StrAppend(&event.source, ".", *server);
  }
  for (const SubjectMember& subject : kSubjects) {
    const auto number = IntegerOf(*members, subject.member);
    if (!number) continue;
    event.subject = absl::StrCat(subject.prefix, *number);
    break;
  }
  event.attributes = SituatorAttributes(facts);
  for (const NumberAttribute& number : kNumbers) {
    if (const auto value = IntegerOf(*members, number.member)) {
      event.attributes[std::string(number.attribute)] = absl::StrCat(*value);
    }
  }
  // A text of another form stays in the data alone.
  absl::ParseTime(absl::RFC3339_full, StringOf(*members, "dateTime"), &event.occur_time, nullptr);
  event.data = std::string(text);
  return event;
}

class SituatorDialect : public IntakeDialect {
 public:
  explicit SituatorDialect(std::vector<IntakeCredential> credentials)
      : credentials_(std::move(credentials)) {}

  bool Handles(absl::string_view path) const override { return path == "/in/situator"; }
  absl::string_view Method() const override { return "POST"; }

  absl::StatusOr<std::vector<Event>> Read(const IntakeRequest& request) const override {
    // The token is inside, so the JSON comes first.
    if (absl::Status status = CheckJson(request.body, "body"); !status.ok()) return status;
    const auto members = JsonMembers(request.body);
    if (!members) return FieldError("body", "must be an object with name, token and events");
    const IntakeCredential* credential = FindCredential(credentials_, StringOf(*members, "token"));
    if (credential == nullptr) return WrongToken("member token");
    const auto events_text = FindMember(*members, "events");
    const auto elements = events_text ? JsonElements(*events_text) : std::nullopt;
    if (!elements) return FieldError("events", "must be an array");
    if (elements->size() > kMaxBatchEvents) {
      return FieldError("events", absl::StrCat("must have at most ", kMaxBatchEvents,
                                               " members, has ", elements->size()));
    }
    std::vector<Event> events;
    for (size_t i = 0; i < elements->size(); ++i) {
      auto event = ReadEvent((*elements)[i], *credential, absl::StrCat("events[", i, "]"));
      if (!event.ok()) return event.status();
      events.push_back(*std::move(event));
    }
    return events;
  }

 private:
  const std::vector<IntakeCredential> credentials_;
};

}  // namespace

std::unique_ptr<IntakeDialect> MakeSituatorDialect(std::vector<IntakeCredential> credentials) {
  return std::make_unique<SituatorDialect>(std::move(credentials));
}

}  // namespace latchwire
