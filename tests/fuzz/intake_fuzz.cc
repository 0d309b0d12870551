// Requests of devices: what a family makes events of is exactly what stood in the request.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/dialects/dialect.h"
#include "core/domain/validation.h"
#include "core/json/json_syntax.h"
#include "core/json/utf8.h"
#include "tests/fuzz/check.h"

namespace latchwire {
namespace {

struct Family {
  std::unique_ptr<IntakeDialect> dialect;
  std::string path;
};

const std::vector<Family>& Families() {
  static const auto* const families = [] {
    const std::vector<IntakeCredential> token = {{"t", "", ""}};
    const std::vector<IntakeCredential> unsigned_requests = {{"", "", ""}};
    auto* made = new std::vector<Family>;
    made->push_back({MakeJsonDialect(token), "/in/json"});
    made->push_back({MakeAcogoDialect(token), "/in/acogo/ez_open"});
    made->push_back({MakeSituatorDialect(token), "/in/situator"});
    made->push_back({MakePanelDialect(unsigned_requests), "/in/panel"});
    return made;
  }();
  return *families;
}

}  // namespace
}  // namespace latchwire

// The first byte says which family, a line the query, and the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchwire;
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('\n', 1));
  const auto query = Query::Parse(parts.first);
  if (!query.ok()) return 0;
  for (const auto& [name, value] : query->parameters()) {
    FUZZ_CHECK(CodePointCount(name) != absl::string_view::npos);
    FUZZ_CHECK(CodePointCount(value) != absl::string_view::npos);
  }
  const Family& family = Families()[data[0] % Families().size()];
  IntakeRequest request;
  request.path = family.path;
  request.query = *query;
  request.authorization = "Bearer t";
  request.body = std::string(parts.second);
  FUZZ_CHECK(family.dialect->Handles(request.path));
  const auto events = family.dialect->Read(request);
  if (!events.ok()) {
    FUZZ_CHECK(!events.status().message().empty());
    return 0;
  }
  for (const Event& event : *events) {
    std::string why;
    if (!event.is_json) continue;
    FUZZ_CHECK(IsWellFormedJson(event.data, &why));
    // Byte for byte out of the body, where there is one; what comes by GET is made of the query.
    if (family.dialect->Method() == "POST") {
      FUZZ_CHECK(request.body.find(event.data) != std::string::npos);
    }
  }
  return 0;
}
