// Devices' requests: the data of every event is exactly what was in the request.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/dialects/registry.h"
#include "core/domain/validation.h"
#include "core/json/json_syntax.h"
#include "core/json/utf8.h"
#include "tests/fuzz/check.h"

namespace latchwire {
namespace {

struct Family {
  const DialectRow* row;
  std::unique_ptr<Dialect> dialect;
};

// In the table's order, which the corpus counts by.
const std::vector<Family>& Families() {
  static const auto* const families = [] {
    // Each family takes from it what it knows.
    const CredentialSettings anybody = {{"token", "t"}, {"allow_unsigned", "true"}};
    auto* made = new std::vector<Family>;
    for (const DialectRow& row : DialectTable()) {
      auto dialect = row.make({&anybody, 1});
      FUZZ_CHECK(dialect.ok());
      made->push_back({&row, *std::move(dialect)});
    }
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
  auto parameters = Parameters::FromQuery(parts.first);
  if (!parameters.ok()) return 0;
  for (const auto& [name, value] : parameters->all()) {
    FUZZ_CHECK(CodePointCount(name) != absl::string_view::npos);
    FUZZ_CHECK(CodePointCount(value) != absl::string_view::npos);
  }
  const Family& family = Families()[data[0] % Families().size()];
  const HttpHeaders headers = {{"Authorization", "Bearer t"}};
  const DeviceMessage message{.path = family.row->paths[data[0] / 16 % family.row->paths.size()],
                              .parameters = *std::move(parameters),
                              .headers = headers,
                              .body = parts.second};
  const auto events = family.dialect->Read(message);
  if (!events.ok()) {
    FUZZ_CHECK(!events.status().message().empty());
    return 0;
  }
  for (const auto& [event, repeat_key] : *events) {
    FUZZ_CHECK(repeat_key == family.dialect->RepeatKeyOf(event));
    std::string why;
    if (!event.is_json) continue;
    FUZZ_CHECK(IsWellFormedJson(event.data, &why));
    // Byte for byte out of the body, where there is one; what comes by GET is made of the query.
    if (family.row->methods.front() == "POST") {
      FUZZ_CHECK(message.body.find(event.data) != absl::string_view::npos);
    }
  }
  return 0;
}
