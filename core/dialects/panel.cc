// BAS-IP style panels: POST /in/panel with {"data":{...},"created_at":ms,"event_id":n,
// "event_type":"log..."}, signed in X-Webhook-Signature: hex HMAC-SHA256(secret, body).
#include "core/signatures/panel.h"

#include "absl/strings/match.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/registry.h"
#include "core/json/json_text.h"

namespace latchwire {
namespace {

constexpr char kName[] = "panel";

struct PanelCredential {
  std::string secret;  // empty: takes unsigned messages
  std::string source;  // unless the message says it
};

absl::string_view AttributeOf(const Event& event, const char* name) {
  const auto it = event.attributes.find(name);
  return it == event.attributes.end() ? absl::string_view() : absl::string_view(it->second);
}

// The members other than the data: when it happened, and the panel's own counter.
absl::Status ReadNumbers(const std::vector<JsonMember>& members, Event* event) {
  if (const auto created = FindMember(members, "created_at")) {
    const auto milliseconds = JsonInteger(*created);
    if (!milliseconds) return FieldError("created_at", "must be an integer in milliseconds");
    event->occur_time = absl::FromUnixMillis(*milliseconds);
    event->attributes["created_at"] = std::string(*created);
  }
  if (const auto id = FindMember(members, "event_id")) {
    if (!JsonInteger(*id)) return FieldError("event_id", "must be a 64-bit integer");
    event->attributes["event_id"] = std::string(*id);
  }
  return absl::OkStatus();
}

class PanelDialect : public Dialect {
 public:
  absl::Status Add(const CredentialSettings& settings) {
    if (settings.Text("secret").empty() && !settings.Flag("allow_unsigned")) {
      return CredentialError("secret", "is required, unless allow_unsigned = true lets anyone in");
    }
    credentials_.push_back({settings.Text("secret"), settings.Text("source")});
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DeviceEvent>> Read(const DeviceMessage& message) const override {
    const PanelCredential* credential = Authenticate(message);
    if (credential == nullptr) {
      return MakeError(absl::StatusCode::kUnauthenticated, intake_reason::kSignatureInvalid,
                       message.Header("X-Webhook-Signature").empty()
                           ? "the header X-Webhook-Signature is missing"
                           : "X-Webhook-Signature is not the hex HMAC-SHA256 of the body under a "
                             "secret that is known here");
    }
    if (absl::Status status = CheckJson(message.body, "body"); !status.ok()) return status;
    const auto members = JsonMembers(message.body);
    if (!members) return FieldError("body", "must be an object");
    const auto data = FindMember(*members, "data");
    if (!data) return FieldError("data", "is missing");
    const auto type_text = FindMember(*members, "event_type");
    const std::string type = type_text ? JsonString(*type_text).value_or("") : "";
    Event event;
    const CatalogueType* known = absl::StartsWith(type, "log.") ? FindType(type) : nullptr;
    if (known == nullptr) {
      return FieldError("event_type",
                        "must be one of the panel's 41 types, such as "
                        "log.access_granted_by_api_call");
    }
    event.type = type;
    event.canonical_type = known->canonical_type;
    event.priority = known->priority;
    event.source = std::string(message.parameters.Find("source").value_or(credential->source));
    if (event.source.empty()) event.source = kName;
    event.subject = std::string(message.parameters.Find("subject").value_or(""));
    if (absl::Status status = ReadNumbers(*members, &event); !status.ok()) return status;
    event.data = std::string(*data);
    std::string repeat_key = RepeatKeyOf(event);
    std::vector<DeviceEvent> events;
    events.push_back({std::move(event), std::move(repeat_key)});
    return events;
  }

  // A panel that got no answer sends the same event_id and created_at again.
  std::string RepeatKeyOf(const Event& event) const override {
    const absl::string_view id = AttributeOf(event, "event_id");
    if (id.empty() || !absl::StartsWith(event.type, "log.")) return "";
    return RepeatKey({event.source, id, AttributeOf(event, "created_at")});
  }

  std::vector<std::string> Warnings() const override {
    for (const PanelCredential& credential : credentials_) {
      if (credential.secret.empty()) return {"takes unsigned requests from anyone"};
    }
    return {};
  }

 private:
  // Tries every secret, so that the time does not tell which one came close.
  const PanelCredential* Authenticate(const DeviceMessage& message) const {
    const absl::string_view signature = message.Header("X-Webhook-Signature");
    const PanelCredential* found = nullptr;
    const PanelCredential* unsigned_one = nullptr;
    for (const PanelCredential& credential : credentials_) {
      if (credential.secret.empty()) {
        unsigned_one = &credential;
      } else if (PanelSignatureFits(credential.secret, message.body, signature)) {
        found = &credential;
      }
    }
    return found != nullptr ? found : unsigned_one;
  }

  std::vector<PanelCredential> credentials_;
};

absl::StatusOr<std::unique_ptr<Dialect>> MakePanelDialect(
    absl::Span<const CredentialSettings> credentials) {
  return MakeDialectOf<PanelDialect>(credentials);
}

}  // namespace

DialectRow PanelRow() {
  static constexpr absl::string_view kPaths[] = {""};
  static constexpr absl::string_view kMethods[] = {"POST"};
  static constexpr CredentialKey kKeys[] = {{"secret", CredentialKey::Kind::kSecret},
                                            {"allow_unsigned", CredentialKey::Kind::kFlag},
                                            {"source", CredentialKey::Kind::kText}};
  return {kName, kPaths, kMethods, kKeys, "panel", &MakePanelDialect};
}

}  // namespace latchwire
