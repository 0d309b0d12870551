// acoGO! gateways: GET /in/acogo/{event}?token=...&address=..., without a body.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/registry.h"
#include "core/json/json_string.h"

namespace latchwire {
namespace {

constexpr char kName[] = "acogo";

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
  for (const AcogoEvent& event : kEvents) {
    if (event.name == path) return &event;
  }
  return nullptr;
}

// A JSON object of the parameters, in the order given; of those given twice, the last counts.
std::string DataOf(const Parameters& parameters) {
  std::string data = "{";
  const auto& all = parameters.all();
  for (auto it = all.begin(); it != all.end(); ++it) {
    const bool again = std::any_of(std::next(it), all.end(),
                                   [&](const auto& later) { return later.first == it->first; });
    if (it->first == "token" || again) continue;
    absl::StrAppend(&data, data.size() > 1 ? "," : "", JsonQuote(it->first), ":",
                    JsonQuote(it->second));
  }
  return data + "}";
}

struct AcogoCredential {
  std::string source;  // unless the message names its gateway
  std::string model;   // unless the message says it
};

class AcogoDialect : public Dialect {
 public:
  absl::Status Add(const CredentialSettings& settings) {
    if (settings.Text("token").empty()) return CredentialError("token", "is required");
    tokens_.Add(settings.Text("token"));
    credentials_.push_back({settings.Text("source"), settings.Text("model")});
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DeviceEvent>> Read(const DeviceMessage& message) const override {
    const Parameters& parameters = message.parameters;
    const auto index = tokens_.Find(parameters.Find("token").value_or(""));
    if (!index) return WrongToken("the query parameter token");
    const AcogoCredential& credential = credentials_[*index];
    const AcogoEvent* const kind = FindEvent(message.path);
    if (kind == nullptr) return FieldError("path", "is not one of the gateway's events");
    const absl::string_view address = parameters.Find("address").value_or("");
    if (address.empty() && kind->output.empty()) {
      return FieldError("address", absl::StrCat("query parameter is required for ", kind->name));
    }
    Event event;
    event.type = absl::StrCat("acogo.", kind->name);
    const CatalogueType& type = *FindType(event.type);  // kEvents has no others
    event.canonical_type = type.canonical_type;
    event.priority = type.priority;
    event.source = std::string(parameters.Find("gateway").value_or(""));
    if (event.source.empty()) event.source = credential.source;
    if (event.source.empty()) event.source = kName;
    event.subject = std::string(address.empty() ? kind->output : address);
    event.attributes["origin"] = std::string(parameters.Find("origin").value_or("gateway"));
    const std::string model(parameters.Find("model").value_or(credential.model));
    if (!model.empty()) event.attributes["model"] = model;
    event.data = DataOf(parameters);
    std::vector<DeviceEvent> events;
    events.push_back({std::move(event)});
    return events;
  }

 private:
  TokenList tokens_;
  std::vector<AcogoCredential> credentials_;  // by the index of their token
};

absl::StatusOr<std::unique_ptr<Dialect>> MakeAcogoDialect(
    absl::Span<const CredentialSettings> credentials) {
  return MakeDialectOf<AcogoDialect>(credentials);
}

}  // namespace

DialectRow AcogoRow() {
  static constexpr absl::string_view kPaths[] = {kEvents[0].name, kEvents[1].name, kEvents[2].name,
                                                 kEvents[3].name};
  static constexpr absl::string_view kMethods[] = {"GET"};
  static constexpr CredentialKey kKeys[] = {{"token", CredentialKey::Kind::kSecret},
                                            {"source", CredentialKey::Kind::kText},
                                            {"model", CredentialKey::Kind::kText}};
  static_assert(std::size(kPaths) == std::size(kEvents));
  return {kName, kPaths, kMethods, kKeys, "acogo", &MakeAcogoDialect};
}

}  // namespace latchwire
