// Twenty CRM (docs: "Webhooki"). A type is the product's own `object.action`; an event's data is
// the record as it is after the action. Custom objects are their users' own and not listed here.
#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/catalogue/systems.h"

namespace latchwire {
namespace {

struct Object {
  absl::string_view name;       // the product's spelling
  absl::string_view canonical;  // ours
  absl::string_view title;      // for people
  absl::string_view members;    // of an example, beside those that every record has
};

constexpr Object kObjects[] = {
    {"company", "company", "A company",
     R"("name":"Acme","domainName":{"primaryLinkUrl":"https://acme.example"},"employees":120)"},
    {"person", "person", "A person",
     R"("firstName":"Alice","lastName":"Doe","email":"alice@example.com")"},
    {"opportunity", "opportunity", "An opportunity",
     R"("name":"New doors","amount":{"amountMicros":12000000000,"currencyCode":"EUR"},)"
     R"("stage":"PROPOSAL")"},
    {"note", "note", "A note", R"("title":"Call back","position":1)"},
    {"noteTarget", "note_target", "A note's link to a record",
     R"("noteId":"5f1c7f0e-7f5b-4c53-9c1d-2f1d5a1c0002",)"
     R"("personId":"5f1c7f0e-7f5b-4c53-9c1d-2f1d5a1c0003")"},
    {"task", "task", "A task",
     R"("title":"Order keys","status":"TODO","dueAt":"2025-02-14T12:00:00Z")"},
    {"taskTarget", "task_target", "A task's link to a record",
     R"("taskId":"5f1c7f0e-7f5b-4c53-9c1d-2f1d5a1c0004",)"
     R"("companyId":"5f1c7f0e-7f5b-4c53-9c1d-2f1d5a1c0005")"},
    {"attachment", "attachment", "An attached file",
     R"("name":"plan.pdf","fullPath":"attachment/plan.pdf","type":"TextDocument")"},
    {"workspaceMember", "workspace_member", "A member of the workspace",
     R"("name":{"firstName":"Tim","lastName":"Apple"},"userEmail":"tim@example.com")"},
    {"calendarEvent", "calendar_event", "A calendar's entry",
     R"("title":"Handover","startsAt":"2025-02-12T09:00:00Z","isCanceled":false)"},
};

struct Action {
  absl::string_view name;
  absl::string_view what;  // completes the sentence that an object's title begins
  bool deleted;
};

constexpr Action kActions[] = {
    {"created", "was created", false},
    {"updated", "was changed", false},
    {"deleted", "was deleted and can be restored", true},
    {"destroyed", "was permanently deleted", true},
    {"restored", "was restored", false},
    {"upserted", "was created or changed", false},
};

CatalogueType Row(const Object& object, const Action& action) {
  return {.name = absl::StrCat(object.name, ".", action.name),
          .canonical_type = absl::StrCat(object.canonical, ".", action.name),
          .description = absl::StrCat(object.title, " ", action.what, "."),
          .example = absl::StrCat(R"({"id":"5f1c7f0e-7f5b-4c53-9c1d-2f1d5a1c0001",)",
                                  object.members, R"(,"createdAt":"2025-02-10T15:30:45Z",)",
                                  R"("updatedAt":"2025-02-10T15:30:50Z","deletedAt":)",
                                  action.deleted ? R"("2025-02-10T15:30:50Z")" : "null", "}")};
}

}  // namespace

CatalogueSystem TwentySystem() {
  CatalogueSystem system = {.name = "twenty", .description = "Twenty CRM", .types = {}};
  system.types.reserve(std::size(kObjects) * std::size(kActions));
  for (const Object& object : kObjects) {
    for (const Action& action : kActions) system.types.push_back(Row(object, action));
  }
  return system;
}

}  // namespace latchwire
