// The catalogue's examples are what the devices send: each dialect reads those of its system.
#include <cctype>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/catalogue/catalogue.h"
#include "core/dialects/registry.h"
#include "core/json/json_text.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

std::unique_ptr<Dialect> Make(absl::string_view family) {
  const DialectRow* row = FindDialectRow(family);
  EXPECT_NE(row, nullptr) << family;
  auto dialect = row->make({{{"token", "token"}, {"allow_unsigned", "true"}}});
  EXPECT_TRUE(dialect.ok()) << dialect.status();
  return *std::move(dialect);
}

const CatalogueSystem& SystemOf(absl::string_view name) {
  for (const CatalogueSystem& system : Systems()) {
    if (system.name == name) return system;
  }
  ADD_FAILURE() << "no system " << name;
  return Systems()[0];
}

std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return escaped;
}

// The one event of a request; the event's data must be the example, byte for byte.
Event ReadExample(const Dialect& dialect, const DeviceMessage& message, const CatalogueType& type) {
  const auto events = dialect.Read(message);
  EXPECT_TRUE(events.ok()) << type.name << ": " << events.status();
  if (!events.ok() || events->size() != 1) return Event();
  const Event& event = events->front().event;
  EXPECT_EQ(event.type, type.name);
  EXPECT_EQ(event.data, type.example);
  EXPECT_EQ(event.priority, type.priority) << type.name;
  return event;
}

TEST(CatalogueExamples, AcogoReadsItsOwn) {
  const auto dialect = Make("acogo");
  for (const CatalogueType& type : SystemOf("acogo").types) {
    std::string query = "token=token";
    const auto members = JsonMembers(type.example);
    ASSERT_TRUE(members) << type.name;
    for (const JsonMember& member : *members) {
      absl::StrAppend(&query, "&", member.name, "=",
                      Escaped(JsonString(member.value).value_or("")));
    }
    auto parameters = Parameters::FromQuery(query);
    ASSERT_TRUE(parameters.ok());
    const DeviceMessage message{.path = absl::StripPrefix(type.name, "acogo."),
                                .parameters = *std::move(parameters)};
    EXPECT_EQ(ReadExample(*dialect, message, type).canonical_type, type.canonical_type);
  }
}

TEST(CatalogueExamples, PanelReadsItsOwn) {
  const auto dialect = Make("panel");
  for (const CatalogueType& type : SystemOf("panel").types) {
    const std::string body = absl::StrCat(
        R"({"data":)", type.example, R"(,"created_at":1745947873611,"event_id":7,"event_type":")",
        type.name, R"("})");
    EXPECT_EQ(ReadExample(*dialect, {.body = body}, type).canonical_type, type.canonical_type);
  }
}

// What a Situator type means is decided by members such as `authorized` and `subtype`, which the
// examples have: the canonical type is about the same object, and is one of ours.
TEST(CatalogueExamples, SituatorReadsItsOwn) {
  const auto dialect = Make("situator");
  for (const CatalogueType& type : SystemOf("situator").types) {
    const std::string body =
        absl::StrCat(R"({"name":"n","token":"token","events":[)", type.example, "]}");
    const Event event = ReadExample(*dialect, {.body = body}, type);
    EXPECT_NE(FindCanonicalType(event.canonical_type), nullptr) << event.canonical_type;
    const std::pair<std::string, std::string> got = absl::StrSplit(event.canonical_type, '.');
    const std::pair<std::string, std::string> row = absl::StrSplit(type.canonical_type, '.');
    EXPECT_EQ(got.first, row.first) << type.name;
    EXPECT_NE(got.second, "reported") << type.name;
  }
}

// A row that names a system that is not there would leave its types without canonical types.
TEST(CatalogueExamples, EveryFamilyHasItsSystem) {
  for (const DialectRow& row : DialectTable()) {
    if (!row.catalogue_system.empty()) {
      EXPECT_EQ(SystemOf(row.catalogue_system).name, row.catalogue_system);
    }
  }
}

// Whatever has no dialect of its own yet comes by generic JSON under its own type.
TEST(CatalogueExamples, GenericJsonKnowsEveryType) {
  const auto dialect = Make("json");
  for (const CatalogueSystem& system : Systems()) {
    for (const CatalogueType& type : system.types) {
      DeviceMessage message{.body = type.example};
      message.parameters.Add("token", "token");
      message.parameters.Add("type", type.name);
      EXPECT_EQ(ReadExample(*dialect, message, type).canonical_type, type.canonical_type);
    }
  }
}

}  // namespace
}  // namespace latchwire
