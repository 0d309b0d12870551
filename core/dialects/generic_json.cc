// Anything that can POST JSON: the whole body is the data, the query says what it is.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/dialect.h"
#include "core/domain/limits.h"

namespace latchwire {
namespace {

class JsonDialect : public IntakeDialect {
 public:
  explicit JsonDialect(std::vector<IntakeCredential> credentials)
      : credentials_(std::move(credentials)) {}

  bool Handles(absl::string_view path) const override { return path == "/in/json"; }
  absl::string_view Method() const override { return "POST"; }

  absl::StatusOr<std::vector<Event>> Read(const IntakeRequest& request) const override {
    absl::string_view token = request.authorization;
    if (!absl::ConsumePrefix(&token, "Bearer ")) {
      token = request.query.Find("token").value_or("");
    }
    const IntakeCredential* credential = FindCredential(credentials_, token);
    if (credential == nullptr) return WrongToken("Authorization: Bearer or query parameter token");

    Event event;
    bool given_canonical = false, given_priority = false;
    event.source = credential->source;
    for (const auto& [name, value] : request.query.parameters()) {
      if (name == "type") {
        event.type = value;
      } else if (name == "canonical_type") {
        event.canonical_type = value;
        given_canonical = true;
      } else if (name == "source") {
        event.source = value;
      } else if (name == "subject") {
        event.subject = value;
      } else if (name == "occur_time") {
        if (!absl::ParseTime(absl::RFC3339_full, value, &event.occur_time, nullptr)) {
          return FieldError(name, "must be a time by RFC 3339, such as 2026-03-01T12:00:00.5Z");
        }
      } else if (name == "priority") {
        if (!absl::SimpleAtoi(value, &event.priority)) {
          return FieldError(name, absl::StrCat("must be ", kMinPriority, " to ", kMaxPriority));
        }
        given_priority = true;
      } else if (name != "token") {
        return FieldError(name,
                          "no such query parameter; there are type, canonical_type, source, "
                          "subject, occur_time, priority and token");
      }
    }
    if (event.type.empty()) return FieldError("type", "query parameter is required");
    if (event.source.empty()) event.source = "json";
    if (!given_canonical) {
      const CatalogueType* known = FindType(event.type);
      if (known != nullptr) event.canonical_type = known->canonical_type;
    }
    if (!given_priority) event.priority = PriorityOf(event.canonical_type);
    if (absl::Status status = CheckJson(request.body, "body"); !status.ok()) return status;
    event.data = request.body;
    return std::vector<Event>{std::move(event)};
  }

 private:
  const std::vector<IntakeCredential> credentials_;
};

}  // namespace

std::unique_ptr<IntakeDialect> MakeJsonDialect(std::vector<IntakeCredential> credentials) {
  return std::make_unique<JsonDialect>(std::move(credentials));
}

}  // namespace latchwire
