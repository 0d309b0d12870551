// acoGO! gateways: GET /in/acogo/{event}?token=...&address=..., no body.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/dialect.h"
#include "core/json/json_string.h"
#include "core/json/json_text.h"

namespace latchwire {
namespace {

constexpr absl::string_view kPrefix = "/in/acogo/";

struct AcogoEvent {
  absl::string_view name;
  absl::string_view output;  // the subject when no address is given; empty: the address is required
};
constexpr AcogoEvent kEvents[] = {
    {"ez_open", "ez"},
    {"f2_open", "f2"},
    {"video_switch_with_address", ""},
    {"io_module_ring", "io_module"},
};

const AcogoEvent* FindEvent(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, kPrefix)) return nullptr;
  for (const AcogoEvent& event : kEvents) {
    if (event.name == path) return &event;
  }
  return nullptr;
}

// A JSON object of the parameters, in the order given; of those given twice, the last counts.
std::string DataOf(const Query& query) {
  std::string data = "{";
  const auto& parameters = query.parameters();
  for (auto it = parameters.begin(); it != parameters.end(); ++it) {
    const bool again = std::any_of(std::next(it), parameters.end(),
                                   [&](const auto& later) { return later.first == it->first; });
    if (it->first == "token" || again) continue;
    absl::StrAppend(&data, data.size() > 1 ? "," : "", JsonQuote(it->first), ":",
                    JsonQuote(it->second));
  }
  return data + "}";
}

class AcogoDialect : public IntakeDialect {
 public:
  explicit AcogoDialect(std::vector<IntakeCredential> credentials)
      : credentials_(std::move(credentials)) {}

  bool Handles(absl::string_view path) const override { return FindEvent(path) != nullptr; }
  absl::string_view Method() const override { return "GET"; }

  absl::StatusOr<std::vector<Event>> Read(const IntakeRequest& request) const override {
    const Query& query = request.query;
    const IntakeCredential* credential =
        FindCredential(credentials_, query.Find("token").value_or(""));
    if (credential == nullptr) return WrongToken("query parameter token");
    const AcogoEvent& kind = *FindEvent(request.path);
    const absl::string_view address = query.Find("address").value_or("");
    if (address.empty() && kind.output.empty()) {
      return FieldError("address", absl::StrCat("query parameter is required for ", kind.name));
    }
    Event event;
    event.type = absl::StrCat("acogo.", kind.name);
    const CatalogueType& type = *FindType(event.type);  // kEvents has no others
    event.canonical_type = type.canonical_type;
    event.priority = type.priority;
    event.source = std::string(query.Find("gateway").value_or(""));
    if (event.source.empty()) event.source = credential->source;
    if (event.source.empty()) event.source = "acogo";
    event.subject = std::string(address.empty() ? kind.output : address);
    event.attributes["origin"] = std::string(query.Find("origin").value_or("gateway"));
    const std::string model(query.Find("model").value_or(credential->model));
    if (!model.empty()) event.attributes["model"] = model;
    event.data = DataOf(query);
    return std::vector<Event>{std::move(event)};
  }

 private:
  const std::vector<IntakeCredential> credentials_;
};

}  // namespace

std::unique_ptr<IntakeDialect> MakeAcogoDialect(std::vector<IntakeCredential> credentials) {
  return std::make_unique<AcogoDialect>(std::move(credentials));
}

}  // namespace latchwire
