// Situator: POST /in/situator with {"name":...,"token":...,"events":[{...},...]}. Each member of
// `events` becomes an event whose data is the exact bytes of that member.
#include "core/catalogue/situator.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/registry.h"
#include "core/domain/limits.h"
#include "core/json/json_text.h"

namespace latchwire {
namespace {

constexpr char kName[] = "situator";

// The subject of an event is the first of these members that it has.
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

absl::StatusOr<Event> ReadEvent(absl::string_view text, absl::string_view source,
                                const std::string& path) {
  const auto members = JsonMembers(text);
  if (!members) return FieldError(path, "must be an object");
  SituatorFacts facts;
  facts.type = StringOf(*members, "type");
  if (facts.type.empty()) return FieldError(path + ".type", "must be a non-empty string");
  facts.subtype = IntegerOf(*members, "subtype");
  facts.direction = IntegerOf(*members, "direction");
  facts.opening_type = IntegerOf(*members, "openingType");
  facts.authorized = BoolOf(*members, "authorized");
  facts.duress = BoolOf(*members, "duress");

  Event event;
  event.type = absl::StrCat("situator.", facts.type);
  event.canonical_type = CanonicalTypeOf(facts);
  event.priority = PriorityOf(event.canonical_type);
  event.source = source.empty() ? kName : std::string(source);
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

class SituatorDialect : public Dialect {
 public:
  absl::Status Add(const CredentialSettings& settings) {
    if (settings.Text("token").empty()) return CredentialError("token", "is required");
    tokens_.Add(settings.Text("token"));
    sources_.push_back(settings.Text("source"));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DeviceEvent>> Read(const DeviceMessage& message) const override {
    // The token is inside, so the JSON comes first.
    if (absl::Status status = CheckJson(message.body, "body"); !status.ok()) return status;
    const auto members = JsonMembers(message.body);
    if (!members) return FieldError("body", "must be an object with name, token and events");
    const auto index = tokens_.Find(StringOf(*members, "token"));
    if (!index) return WrongToken("the member token");
    const auto events_text = FindMember(*members, "events");
    const auto elements = events_text ? JsonElements(*events_text) : std::nullopt;
    if (!elements) return FieldError("events", "must be an array");
    if (elements->size() > kMaxBatchEvents) {
      return FieldError("events", absl::StrCat("must have at most ", kMaxBatchEvents,
                                               " members, has ", elements->size()));
    }
    std::vector<DeviceEvent> events;
    events.reserve(elements->size());
    for (size_t i = 0; i < elements->size(); ++i) {
      auto event = ReadEvent((*elements)[i], sources_[*index], absl::StrCat("events[", i, "]"));
      if (!event.ok()) return event.status();
      events.push_back({*std::move(event)});
    }
    return events;
  }

 private:
  TokenList tokens_;
  std::vector<std::string> sources_;  // by the index of their token
};

absl::StatusOr<std::unique_ptr<Dialect>> MakeSituatorDialect(
    absl::Span<const CredentialSettings> credentials) {
  return MakeDialectOf<SituatorDialect>(credentials);
}

}  // namespace

DialectRow SituatorRow() {
  static constexpr absl::string_view kPaths[] = {""};
  static constexpr absl::string_view kMethods[] = {"POST"};
  static constexpr CredentialKey kKeys[] = {{"token", CredentialKey::Kind::kSecret},
                                            {"source", CredentialKey::Kind::kText}};
  return {kName, kPaths, kMethods, kKeys, "situator", &MakeSituatorDialect};
}

}  // namespace latchwire
