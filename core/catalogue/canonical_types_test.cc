#include "core/catalogue/canonical_types.h"

#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "core/base/testing/source_tree.h"
#include "core/domain/validation.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace latchwire {
namespace {

nlohmann::json Vectors() {
  return nlohmann::json::parse(std::ifstream(SourcePath("tests/vectors/canonical_types.json")));
}

SituatorFacts FactsOf(const nlohmann::json& members) {
  SituatorFacts facts;
  facts.type = members["type"].get<std::string>();
  const auto number = [&members](const char* name) {
    return members.contains(name) ? std::optional(members[name].get<int64_t>()) : std::nullopt;
  };
  const auto flag = [&members](const char* name) {
    return members.contains(name) ? std::optional(members[name].get<bool>()) : std::nullopt;
  };
  facts.subtype = number("subtype");
  facts.direction = number("direction");
  facts.opening_type = number("openingType");
  facts.authorized = flag("authorized");
  facts.duress = flag("duress");
  return facts;
}

TEST(CanonicalTypes, EveryTypeOfAcogoAndPanels) {
  const auto vectors = Vectors();
  ASSERT_EQ(vectors["acogo"].size(), 4);
  ASSERT_EQ(vectors["panel"].size(), 41);
  for (const char* system : {"acogo", "panel"}) {
    for (const auto& c : vectors[system]) {
      EXPECT_EQ(CanonicalTypeOf(c["type"].get<std::string>()),
                c["canonical_type"].get<std::string>())
          << c;
    }
  }
}

TEST(CanonicalTypes, EveryTypeOfSituatorWithItsFields) {
  std::set<std::string> types;
  const auto vectors = Vectors();
  for (const auto& c : vectors["situator"]) {
    const SituatorFacts facts = FactsOf(c["facts"]);
    EXPECT_EQ(CanonicalTypeOf(facts), c["canonical_type"].get<std::string>()) << c;
    EXPECT_EQ(SituatorAttributes(facts),
              (c["attributes"].get<std::map<std::string, std::string>>()))
        << c;
    if (c["facts"].size() == 1) {
      EXPECT_EQ(CanonicalTypeOf(absl::StrCat("situator.", facts.type)),
                c["canonical_type"].get<std::string>());
    }
    if (!CanonicalTypeOf(facts).empty()) types.insert(facts.type);
  }
  EXPECT_EQ(types.size(), 19);  // 18 and visitor
}

TEST(CanonicalTypes, UnknownTypesHaveNone) {
  const auto vectors = Vectors();
  ASSERT_FALSE(vectors["unknown"].empty());
  for (const auto& type : vectors["unknown"]) {
    EXPECT_EQ(CanonicalTypeOf(type.get<std::string>()), "") << type;
  }
}

// The vectors name no fewer types than the table, so neither can grow alone; and all are valid.
TEST(CanonicalTypes, TheTableHasNoMoreThanTheVectors) {
  std::set<std::string> known;
  const auto vectors = Vectors();
  for (const char* system : {"acogo", "panel"}) {
    for (const auto& c : vectors[system]) known.insert(c["type"].get<std::string>());
  }
  for (const auto& c : vectors["situator"]) {
    known.insert(absl::StrCat("situator.", c["facts"]["type"].get<std::string>()));
  }
  const auto table = CanonicalTypeTable();
  EXPECT_EQ(table.size(), 4 + 41 + 19);
  std::set<absl::string_view> seen;
  for (const CanonicalTypeEntry& entry : table) {
    EXPECT_TRUE(known.count(std::string(entry.type))) << entry.type;
    EXPECT_TRUE(seen.insert(entry.type).second) << entry.type << " is there twice";
    Event event;
    event.type = std::string(entry.type);
    event.canonical_type = std::string(entry.canonical_type);
    event.data = "{}";
    EXPECT_TRUE(Validate(event, "event").empty()) << entry.type << " " << entry.canonical_type;
    EXPECT_EQ(CanonicalTypeOf(entry.type), std::string(entry.canonical_type));
  }
}

TEST(CanonicalTypes, TheDocumentationShowsEveryRow) {
  std::ifstream file(SourcePath("docs/formats/canonical-types.md"));
  std::stringstream text;
  text << file.rdbuf();
  for (const CanonicalTypeEntry& entry : CanonicalTypeTable()) {
    EXPECT_NE(
        text.str().find(absl::StrCat("| `", entry.type, "` | `", entry.canonical_type, "` |")),
        std::string::npos)
        << entry.type;
  }
}

}  // namespace
}  // namespace latchwire
