// BAS-IP style panels: POST /in/panel with {"data":{...},"created_at":ms,"event_id":n,
// "event_type":"log..."}, signed in X-Webhook-Signature: hex HMAC-SHA256(secret, body).
#include "core/signatures/panel.h"

#include "absl/strings/match.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/dialect.h"
#include "core/json/json_text.h"

namespace latchwire {
namespace {

class PanelDialect : public IntakeDialect {
 public:
  explicit PanelDialect(std::vector<IntakeCredential> credentials)
      : credentials_(std::move(credentials)) {}

  bool Handles(absl::string_view path) const override { return path == "/in/panel"; }
  absl::string_view Method() const override { return "POST"; }

  absl::StatusOr<std::vector<Event>> Read(const IntakeRequest& request) const override {
    const IntakeCredential* credential = Authenticate(request);
    if (credential == nullptr) {
      return MakeError(absl::StatusCode::kUnauthenticated, intake_reason::kSignatureInvalid,
                       request.panel_signature.empty()
                           ? "header X-Webhook-Signature is missing"
                           : "X-Webhook-Signature is not the hex HMAC-SHA256 of the body under a "
                             "secret that this agent knows");
    }
    if (absl::Status status = CheckJson(request.body, "body"); !status.ok()) return status;
    const auto members = JsonMembers(request.body);
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
    event.source = std::string(request.query.Find("source").value_or(credential->source));
    if (event.source.empty()) event.source = "panel";
    event.subject = std::string(request.query.Find("subject").value_or(""));
    if (const auto created = FindMember(*members, "created_at")) {
      const auto milliseconds = JsonInteger(*created);
      if (!milliseconds) return FieldError("created_at", "must be an integer of milliseconds");
      event.occur_time = absl::FromUnixMillis(*milliseconds);
      event.attributes["created_at"] = std::string(*created);
    }
    if (const auto id = FindMember(*members, "event_id")) {
      if (!JsonInteger(*id)) return FieldError("event_id", "must be an integer of 64 bits");
      event.attributes["event_id"] = std::string(*id);
    }
    event.data = std::string(*data);
    return std::vector<Event>{std::move(event)};
  }

 private:
  const IntakeCredential* Authenticate(const IntakeRequest& request) const {
    const IntakeCredential* found = nullptr;
    const IntakeCredential* unsigned_one = nullptr;
    for (const IntakeCredential& credential : credentials_) {
      if (credential.secret.empty()) {
        unsigned_one = &credential;
        continue;
      }
      if (PanelSignatureFits(credential.secret, request.body, request.panel_signature)) {
        found = &credential;
      }
    }
    return found != nullptr ? found : unsigned_one;
  }

  const std::vector<IntakeCredential> credentials_;
};

}  // namespace

std::unique_ptr<IntakeDialect> MakePanelDialect(std::vector<IntakeCredential> credentials) {
  return std::make_unique<PanelDialect>(std::move(credentials));
}

}  // namespace latchwire
