#include "server/api/event_type_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_reason.h"
#include "server/api/paging.h"
#include "server/api/status.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

constexpr absl::string_view kCollection = "eventTypes";
constexpr absl::string_view kOwnSystem = "latchwire";

void Show(const CatalogueType& type, absl::string_view system, v1::EventType* proto) {
  proto->set_name(absl::StrCat(kCollection, "/", type.name));
  proto->set_type(type.name);
  proto->set_canonical_type(type.canonical_type);
  proto->set_system(std::string(system));
  proto->set_description(type.description);
  proto->set_priority(type.priority);
  if (type.act_by_age != absl::InfiniteDuration()) {
    ToProto(type.act_by_age, proto->mutable_act_by_age());
  }
  proto->set_example(type.example);
}

}  // namespace

EventTypeService::EventTypeService(const Authenticator* authenticator)
    : AuthenticatedService("latchwire.v1.EventTypeService", authenticator), entries_([] {
        std::vector<Entry> entries;
        for (const CatalogueSystem& system : Systems()) {
          for (const CatalogueType& type : system.types) entries.push_back({system.name, &type});
        }
        for (const CatalogueType& type : CanonicalTypes()) {
          if (FindType(type.name) == nullptr) entries.push_back({kOwnSystem, &type});
        }
        std::sort(entries.begin(), entries.end(),
                  [](const Entry& a, const Entry& b) { return a.type->name < b.type->name; });
        return entries;
      }()) {
  AddUnary<v1::GetEventTypeRequest, v1::EventType>(
      "GetEventType", [this](const auto&, auto* request, auto* response, Done done) {
        GetEventType(request, response, std::move(done));
      });
  AddUnary<v1::ListEventTypesRequest, v1::ListEventTypesResponse>(
      "ListEventTypes", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListEventTypes(caller, request, response, std::move(done));
      });
}

std::vector<EventTypeService::Entry>::const_iterator EventTypeService::Seek(
    absl::string_view name) const {
  return std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const Entry& entry, absl::string_view wanted) { return entry.type->name < wanted; });
}

void EventTypeService::GetEventType(v1::GetEventTypeRequest* request, v1::EventType* response,
                                    Done done) {
  const absl::StatusOr<std::string> type = ParseName(request->name(), kCollection, "name");
  if (!type.ok()) return done(type.status());
  const auto found = Seek(*type);
  if (found == entries_.end() || found->type->name != *type) {
    return done(NotFound(error_reason::kEventTypeNotFound, request->name()));
  }
  Show(*found->type, found->system, response);
  done(absl::OkStatus());
}

void EventTypeService::ListEventTypes(const CallContext& caller, v1::ListEventTypesRequest* request,
                                      v1::ListEventTypesResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  const PageArguments arguments(caller.tenant, {"ListEventTypes", request->system()});
  // The name that the page begins with.
  const absl::StatusOr<std::string> first = arguments.ParseToken(request->page_token());
  if (!first.ok()) return done(first.status());
  for (auto entry = Seek(*first); entry != entries_.end(); ++entry) {
    if (!request->system().empty() && entry->system != request->system()) continue;
    if (response->event_types_size() == *limit) {
      response->set_next_page_token(arguments.MakeToken(entry->type->name));
      break;
    }
    Show(*entry->type, entry->system, response->add_event_types());
  }
  done(absl::OkStatus());
}

}  // namespace latchwire
