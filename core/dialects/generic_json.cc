// Anything that can POST JSON: the whole body is the data, the query says what happened.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/registry.h"
#include "core/domain/limits.h"

namespace latchwire {
namespace {

constexpr char kName[] = "json";

// What the parameters say of an event; those that are not given are worked out afterwards.
struct Said {
  Event event;
  bool canonical_type = false;
  bool priority = false;
};

absl::Status ReadParameter(const std::string& name, const std::string& value, Said* said) {
  Event& event = said->event;
  if (name == "type") {
    event.type = value;
  } else if (name == "canonical_type") {
    event.canonical_type = value;
    said->canonical_type = true;
  } else if (name == "source") {
    event.source = value;
  } else if (name == "subject") {
    event.subject = value;
  } else if (name == "occur_time") {
    if (!absl::ParseTime(absl::RFC3339_full, value, &event.occur_time, nullptr)) {
      return FieldError(name, "must be an RFC 3339 time, such as 2026-03-01T12:00:00.5Z");
    }
  } else if (name == "priority") {
    if (!absl::SimpleAtoi(value, &event.priority)) {
      return FieldError(name, absl::StrCat("must be ", kMinPriority, " to ", kMaxPriority));
    }
    said->priority = true;
  } else if (name != "token") {
    return FieldError(name,
                      "no such query parameter; there are type, canonical_type, source, "
                      "subject, occur_time, priority and token");
  }
  return absl::OkStatus();
}

class JsonDialect : public Dialect {
 public:
  absl::Status Add(const CredentialSettings& settings) {
    if (settings.Text("token").empty()) return CredentialError("token", "is required");
    tokens_.Add(settings.Text("token"));
    sources_.push_back(settings.Text("source"));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DeviceEvent>> Read(const DeviceMessage& message) const override {
    absl::string_view token = message.Header("Authorization");
    if (!absl::ConsumePrefix(&token, "Bearer ")) {
      token = message.parameters.Find("token").value_or("");
    }
    const auto index = tokens_.Find(token);
    if (!index) return WrongToken("Authorization: Bearer or the query parameter token");
    Said said;
    said.event.source = sources_[*index];
    for (const auto& [name, value] : message.parameters.all()) {
      if (absl::Status status = ReadParameter(name, value, &said); !status.ok()) return status;
    }
    Event& event = said.event;
    if (event.type.empty()) return FieldError("type", "query parameter is required");
    if (event.source.empty()) event.source = kName;
    if (!said.canonical_type) {
      const CatalogueType* known = FindType(event.type);
      if (known != nullptr) event.canonical_type = known->canonical_type;
    }
    if (!said.priority) event.priority = PriorityOf(event.canonical_type);
    if (absl::Status status = CheckJson(message.body, "body"); !status.ok()) return status;
    event.data = std::string(message.body);
    std::vector<DeviceEvent> events;
    events.push_back({std::move(event)});
    return events;
  }

 private:
  TokenList tokens_;
  std::vector<std::string> sources_;  // by the index of their token
};

absl::StatusOr<std::unique_ptr<Dialect>> MakeJsonDialect(
    absl::Span<const CredentialSettings> credentials) {
  return MakeDialectOf<JsonDialect>(credentials);
}

}  // namespace

DialectRow JsonRow() {
  static constexpr absl::string_view kPaths[] = {""};
  static constexpr absl::string_view kMethods[] = {"POST"};
  static constexpr CredentialKey kKeys[] = {{"token", CredentialKey::Kind::kSecret},
                                            {"source", CredentialKey::Kind::kText}};
  return {kName, kPaths, kMethods, kKeys, "", &MakeJsonDialect};
}

}  // namespace latchwire
